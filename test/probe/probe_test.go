package probe

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"receptor/actors/supervise"
	supervisev1 "receptor/proto/supervise/v1"
)

// echo answers a query, fails when told to shut down, and breaks on a timer message.
type echo struct{ lives *int }

func (e *echo) Receive(ctx actor.Context) {
	switch ctx.Message().(type) {
	case *actor.Started:
		*e.lives++
	case *supervisev1.GetTree:
		ctx.Respond(&supervisev1.Tree{Actor: &supervisev1.Actor{Kind: "echo"}})
	case *supervisev1.Shutdown:
		supervise.Fail(supervise.CauseLost, errors.New("told to"))
	case *supervisev1.RestartDue:
		panic("broken")
	}
}

func startEcho(s *Stage, lives *int) *actor.PID {
	return s.Spawn(supervise.Spec{
		Name: "echo", Kind: "echo", New: func() actor.Actor { return &echo{lives} },
		Backoff: supervise.Backoff{Min: time.Minute, Max: time.Hour, Quiet: time.Hour},
	})
}

func TestProbeKeepsAnswersInOrder(t *testing.T) {
	Bubble(t, func(t *testing.T, s *Stage) {
		lives := 0
		far, p := startEcho(s, &lives), s.Probe()
		p.ExpectNothing(t)
		p.Send(far, &supervisev1.GetTree{})
		p.Send(far, &supervisev1.GetTree{})
		p.Expect(t, &supervisev1.Tree{Actor: &supervisev1.Actor{Kind: "echo"}})
		if tree := ExpectType[*supervisev1.Tree](t, p); tree.GetActor().GetKind() != "echo" {
			t.Errorf("kind %q", tree.GetActor().GetKind())
		}
		p.ExpectNothing(t)
	})
}

func TestProbeAnswersAndIgnores(t *testing.T) {
	Bubble(t, func(t *testing.T, s *Stage) {
		asked, asking := s.Probe(), s.Probe()
		asked.Answer(&supervisev1.GetTree{}, func(proto.Message) proto.Message { return &supervisev1.Tree{} })
		asked.Ignore(&supervisev1.Shutdown{})
		asking.Send(asked.PID, &supervisev1.Shutdown{})
		asking.Send(asked.PID, &supervisev1.GetTree{})
		asking.Expect(t, &supervisev1.Tree{})
		asking.Send(asked.PID, &supervisev1.RestartDue{Child: "x"})
		asked.Expect(t, &supervisev1.RestartDue{Child: "x"})
		asked.Reply(&supervisev1.Shutdown{})
		asking.Expect(t, &supervisev1.Shutdown{})
		asked.ExpectNothing(t)
	})
}

func TestFailureIsRestartedInNoTime(t *testing.T) {
	Bubble(t, func(t *testing.T, s *Stage) {
		lives := 0
		far := startEcho(s, &lives)
		s.Send(far, &supervisev1.Shutdown{})
		s.Settle()
		record := s.Tree(t, far)
		if record.GetState() != supervisev1.State_STATE_RESTARTING || record.GetLastFailure() != "told to" {
			t.Errorf("record %v", record)
		}
		time.Sleep(time.Minute)
		if s.Settle(); lives != 2 {
			t.Errorf("%d lives, want 2", lives)
		}
	})
}

func TestEndIsSeen(t *testing.T) {
	Bubble(t, func(t *testing.T, s *Stage) {
		lives := 0
		far, p := startEcho(s, &lives), s.Probe()
		p.Watch(far)
		s.Settle()
		s.Stop(far)
		if end := ExpectType[*actor.Terminated](t, p); end.GetWho().GetId() != far.GetId() {
			t.Errorf("end of %v", end.GetWho())
		}
	})
}

func TestAwaitPassesOverOthers(t *testing.T) {
	Live(t, func(t *testing.T, s *Stage) {
		p := s.Probe()
		for _, child := range []string{"a", "b", "c"} {
			s.Send(p.PID, &supervisev1.RestartDue{Child: child})
		}
		Await(t, p, func(m *supervisev1.RestartDue) bool { return m.GetChild() == "b" })
		p.Expect(t, &supervisev1.RestartDue{Child: "c"})
	})
}

// quiet takes the failures of a test on purpose.
type quiet struct {
	testing.TB
	failures []string
}

func (q *quiet) Errorf(format string, _ ...any) {
	q.failures = append(q.failures, format)
}
func (q *quiet) Helper()    {}
func (q *quiet) Log(...any) {}

func onStage(t *testing.T, f func(s *Stage)) string {
	t.Helper()
	q := &quiet{TB: t}
	s := &Stage{patience: livePatience, before: goroutines(false)}
	s.open(q)
	f(s)
	s.close()
	return strings.Join(q.failures, "; ")
}

func TestLoggedErrorFailsUnlessAllowed(t *testing.T) {
	shout := func(s *Stage) { log := s.Log(); log.Error().Msg("disk is full") }
	if got := onStage(t, shout); !strings.Contains(got, "logged an error") {
		t.Errorf("failures %q", got)
	}
	if got := onStage(t, func(s *Stage) { s.AllowError("disk"); shout(s) }); got != "" {
		t.Errorf("failures %q", got)
	}
}

func TestEscalationFailsUnlessAllowed(t *testing.T) {
	breakIt := func(s *Stage) {
		lives := 0
		far := startEcho(s, &lives)
		p := s.Probe()
		p.Watch(far)
		s.Send(far, &supervisev1.RestartDue{})
		ExpectType[*actor.Terminated](t, p)
	}
	if got := onStage(t, breakIt); !strings.Contains(got, "escalated to the root") {
		t.Errorf("failures %q", got)
	}
	if got := onStage(t, func(s *Stage) { s.AllowEscalation(); breakIt(s) }); got != "" {
		t.Errorf("failures %q", got)
	}
}

func TestLeftGoroutineFails(t *testing.T) {
	end := make(chan struct{})
	defer close(end)
	if got := onStage(t, func(*Stage) { go func() { <-end }() }); !strings.Contains(got, "goroutines are left") {
		t.Errorf("failures %q", got)
	}
}
