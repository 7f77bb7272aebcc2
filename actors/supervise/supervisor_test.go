package supervise_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"receptor/actors/supervise"
	supervisev1 "receptor/proto/supervise/v1"
	"receptor/test/probe"
)

var errGone = errors.New("the thing is gone")

// family supervises one child that does what it is told.
type family struct {
	*supervise.Supervisor
	spec supervise.Spec
}

// The child's orders are other messages of the supervise family, so that this
// test needs no messages of its own.
var (
	orderLost    = &supervisev1.Lost{Failure: "lost"}
	orderBreak   = &supervisev1.Lost{Failure: "break"}
	orderFinish  = &supervisev1.Lost{Failure: "finish"}
	orderHold    = &supervisev1.Lost{Failure: "hold"} // with the time when it is over
	orderReports = &supervisev1.Lost{Path: "started"}
)

// child tells the observer when it starts and fails on order.
func child(s *probe.Stage, observer *probe.Probe, panicsWhenStopping bool) func() actor.Actor {
	return func() actor.Actor {
		return actor.ReceiveFunc(func(ctx actor.Context) {
			switch m := ctx.Message().(type) {
			case *actor.Started:
				s.Root().Send(observer.PID, orderReports)
			case *actor.Stopping:
				if panicsWhenStopping {
					panic("in Stopping")
				}
			case *supervisev1.Lost:
				switch m.GetFailure() {
				case "lost":
					supervise.Fail(supervise.CauseLost, errGone)
				case "finish":
					supervise.Fail(supervise.CauseDone, errGone)
				case "hold":
					supervise.FailUntil(supervise.CauseLost, errGone, m.GetTime().AsTime())
				case "break":
					panic("invariant")
				}
			}
		})
	}
}

func (f *family) Receive(ctx actor.Context) {
	if f.Supervise(ctx) {
		return
	}
	if _, ok := ctx.Message().(*actor.Started); ok {
		if _, err := f.Spawn(ctx, f.spec); err != nil {
			panic(err)
		}
	}
}

// play spawns family/child; orders go to the returned PID.
func play(s *probe.Stage, spec supervise.Spec) (*actor.PID, *actor.PID) {
	spec.Name, spec.Kind = "child", "thing"
	parent := s.Spawn(supervise.Spec{
		Name: "family", Kind: "family", Supervises: true,
		New: func() actor.Actor {
			return &family{supervise.New(s.Log(), supervise.Backoff{Min: time.Second, Max: 8 * time.Second, Quiet: time.Minute}), spec}
		},
	})
	return parent, s.System().NewLocalPID(parent.GetId() + "/child")
}

func thing(t *testing.T, s *probe.Stage, parent *actor.PID) *supervisev1.Actor {
	t.Helper()
	kids := s.Tree(t, parent).GetChildren()
	if len(kids) != 1 {
		t.Fatalf("%d children", len(kids))
	}
	return kids[0]
}

func TestFailureIsARestartAfterTheBackoff(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		observer := s.Probe()
		parent, pid := play(s, supervise.Spec{New: child(s, observer, false)})
		observer.Expect(t, orderReports)
		for attempt := uint32(1); attempt <= 6; attempt++ {
			s.Send(pid, orderLost)
			s.Settle()
			a := thing(t, s, parent)
			wait := time.Until(a.GetNextTry().AsTime())
			bound := min(time.Second<<(attempt-1), 8*time.Second)
			if a.GetState() != supervisev1.State_STATE_RESTARTING || a.GetAttempt() != attempt ||
				a.GetLastFailure() != errGone.Error() || wait <= 0 || wait > bound {
				t.Fatalf("attempt %d: %v, next try in %v", attempt, a, wait)
			}
			observer.Expect(t, orderReports)
			if a := thing(t, s, parent); a.GetState() != supervisev1.State_STATE_RUNNING || a.GetRestarts() != uint64(attempt) {
				t.Fatalf("after restart %d: %v", attempt, a)
			}
		}
		time.Sleep(time.Minute)
		s.Send(pid, orderLost)
		s.Settle()
		if a := thing(t, s, parent); a.GetAttempt() != 1 {
			t.Errorf("after a quiet minute: %v", a)
		}
	})
}

func TestChildThatKnowsWhenToComeAgainIsRestartedThen(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		observer := s.Probe()
		parent, pid := play(s, supervise.Spec{New: child(s, observer, false)})
		observer.Expect(t, orderReports)
		for range 5 {
			s.Send(pid, orderLost)
			observer.Expect(t, orderReports)
		}
		for span, want := range map[time.Duration]time.Duration{
			3 * time.Second: 3 * time.Second, time.Hour: 8 * time.Second, -time.Minute: time.Second / 10,
		} {
			order := proto.CloneOf(orderHold)
			order.Time = timestamppb.New(time.Now().Add(span))
			s.Send(pid, order)
			s.Settle()
			a := thing(t, s, parent)
			if wait := time.Until(a.GetNextTry().AsTime()); wait != want || a.GetAttempt() != 1 {
				t.Errorf("better in %v: attempt %d in %v, want %v", span, a.GetAttempt(), wait, want)
			}
			observer.Expect(t, orderReports)
		}
	})
}

func TestTemporaryChildStopsAndStaysInTheRecord(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		observer := s.Probe()
		parent, pid := play(s, supervise.Spec{New: child(s, observer, false), Lifetime: supervise.Temporary})
		observer.Expect(t, orderReports)
		s.Send(pid, orderLost)
		s.Settle()
		tree := s.Tree(t, parent)
		if len(tree.GetChildren()) != 0 || len(tree.GetLost()) != 1 || tree.GetLost()[0].GetFailure() != errGone.Error() {
			t.Errorf("tree: %v", tree)
		}
	})
}

func TestNaturalEndLeavesNoRecord(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		observer := s.Probe()
		parent, pid := play(s, supervise.Spec{New: child(s, observer, false)})
		observer.Expect(t, orderReports)
		s.Send(pid, orderFinish)
		s.Settle()
		if tree := s.Tree(t, parent); len(tree.GetChildren()) != 0 || len(tree.GetLost()) != 0 {
			t.Errorf("tree: %v", tree)
		}
	})
}

func TestBrokenInvariantEscalates(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		s.AllowEscalation()
		observer := s.Probe()
		_, pid := play(s, supervise.Spec{New: child(s, observer, false)})
		observer.Expect(t, orderReports)
		s.Send(pid, orderBreak)
		s.Settle()
		if got := s.Escalations(); len(got) != 1 || !strings.Contains(got[0], "invariant") {
			t.Errorf("escalated: %v", got)
		}
	})
}

func TestPanicInStoppingDoesNotHangTheParent(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		s.AllowError("panic while stopping")
		observer := s.Probe()
		parent, _ := play(s, supervise.Spec{New: child(s, observer, true)})
		observer.Expect(t, orderReports)
		s.Stop(parent)
	})
}

// late starts another child when the first one has stopped.
type late struct{ family }

func (l *late) Receive(ctx actor.Context) {
	l.family.Receive(ctx)
	if m, ok := ctx.Message().(*actor.Terminated); ok && strings.HasSuffix(m.Who.GetId(), "/"+l.spec.Name) {
		if _, err := l.Spawn(ctx, supervise.Spec{Name: "late", New: l.spec.New}); err != nil {
			panic(err)
		}
	}
}

// A message that comes while an actor stops may make it start a child.
func TestChildOfAStoppingParentIsStopped(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		observer := s.Probe()
		spec := supervise.Spec{Name: "child", New: child(s, observer, false)}
		parent := s.Spawn(supervise.Spec{Name: "family", Supervises: true, New: func() actor.Actor {
			return &late{family{supervise.New(s.Log(), supervise.Backoff{}), spec}}
		}})
		observer.Expect(t, orderReports)
		s.Stop(parent)
		observer.Expect(t, orderReports)
	})
}

func TestStopWhileRestartIsDue(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		observer := s.Probe()
		parent, pid := play(s, supervise.Spec{New: child(s, observer, false)})
		observer.Expect(t, orderReports)
		s.Send(pid, orderLost)
		s.Settle()
		s.Stop(parent)
		time.Sleep(time.Hour)
		observer.ExpectNothing(t)
	})
}

// BenchmarkMailboxHop is one message through an actor under supervision and the
// answer back, the price of every step in the control plane.
func BenchmarkMailboxHop(b *testing.B) {
	system := actor.NewActorSystem()
	answer := make(chan struct{})
	pid := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(proto.Message); ok {
			if _, ok := ctx.Message().(*supervisev1.GetTree); ok {
				answer <- struct{}{}
			}
		}
	}))
	m := &supervisev1.GetTree{}
	b.ReportAllocs()
	for b.Loop() {
		system.Root.Send(pid, m)
		<-answer
	}
	b.StopTimer()
	_ = system.Root.StopFuture(pid).Wait()
}
