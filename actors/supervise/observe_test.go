package supervise_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"receptor/actors/supervise"
	"receptor/actors/supervise/events"
	inspectv1 "receptor/proto/inspect/v1"
	supervisev1 "receptor/proto/supervise/v1"
	"receptor/test/probe"
)

// talker says what it stands for, and does what a child does.
type talker struct{ actor.Actor }

func (talker) Describe() *inspectv1.Description {
	return &inspectv1.Description{Attributes: []*inspectv1.Attribute{
		{Name: "says", Value: &inspectv1.Attribute_Text{Text: "hello"}},
	}}
}

// observe has the stage's actors observed, and plays family/child.
func observe(t *testing.T, s *probe.Stage, life supervise.Lifetime) (*events.Journal, *actor.PID, *actor.PID, *probe.Probe) {
	t.Helper()
	journal := events.New(64)
	s.Settle() // the stage's own actors are there already
	supervise.Observe(s.System(), supervise.Observer{Journal: journal})
	observer := s.Probe()
	inner := child(s, observer, false)
	parent, pid := play(s, supervise.Spec{Lifetime: life, New: func() actor.Actor { return talker{inner()} }})
	observer.Expect(t, orderReports)
	return journal, parent, pid, observer
}

func detail(t *testing.T, s *probe.Stage, parent *actor.PID, path string) *supervisev1.Actor {
	t.Helper()
	tree, ok := s.Ask(t, parent, &supervisev1.GetTree{Detail: true, Path: path}).(*supervisev1.Tree)
	if !ok {
		t.Fatal("no tree")
	}
	return tree.GetActor()
}

func TestObservedActorTellsWhatItDoes(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		_, parent, pid, _ := observe(t, s, supervise.Permanent)
		s.Send(pid, &supervisev1.Lost{Failure: "nothing"})
		s.Settle()
		a := detail(t, s, parent, pid.GetId()).GetChildren()[0]
		if a.GetDescription().GetAttributes()[0].GetText() != "hello" || !a.GetPermanent() {
			t.Errorf("%v", a)
		}
		types := map[string]uint64{}
		for _, h := range a.GetActivity().GetHandling() {
			types[h.GetType()] = h.GetCount()
		}
		if types["supervise.v1.Lost"] != 1 || types["inspect.v1.Describe"] != 0 {
			t.Errorf("%v", types)
		}
		if got := detail(t, s, parent, "stage/elsewhere"); len(got.GetChildren()) != 0 {
			t.Errorf("off the path: %v", got)
		}
		if a := thing(t, s, parent); a.GetActivity() != nil || a.GetDescription() != nil {
			t.Errorf("without detail: %v", a)
		}
	})
}

// Actors are measured while the journal is on, also those that were there before, and
// each time anew.
func TestMeasuresComeAndGoWithTheJournal(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		journal, parent, pid, observer := observe(t, s, supervise.Permanent)
		count := func() (losses uint64, measured bool) {
			activity := detail(t, s, parent, pid.GetId()).GetChildren()[0].GetActivity()
			for _, h := range activity.GetHandling() {
				if h.GetType() == "supervise.v1.Lost" {
					losses = h.GetCount()
				}
			}
			return losses, activity != nil
		}
		lose := func(n int) {
			for range n {
				s.Send(pid, &supervisev1.Lost{Failure: "nothing"})
			}
			s.Settle()
		}
		lose(1)
		if n, measured := count(); n != 1 || !measured {
			t.Errorf("at first: %d, %t", n, measured)
		}
		journal.Switch(false)
		lose(2)
		s.Send(pid, orderLost)
		observer.Expect(t, orderReports)
		if n, measured := count(); measured {
			t.Errorf("while off: %d", n)
		}
		trace := &inspectv1.TraceActor{Path: pid.GetId(), PerSecond: 2, Seconds: 10}
		if no := s.Ask(t, parent, trace).(*inspectv1.ActionReply).GetRefused(); !strings.Contains(no.GetText(), "--debug") {
			t.Errorf("a trace while off: %v", no)
		}
		journal.Switch(true)
		if got := journal.Recent(0); got != nil {
			t.Errorf("kept while off: %v", got)
		}
		lose(3)
		if n, _ := count(); n != 3 {
			t.Errorf("on again: %d, want 3", n)
		}
	})
}

func TestFailuresAreRememberedWithTheirPlace(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		journal, parent, pid, observer := observe(t, s, supervise.Permanent)
		for range 10 {
			s.Send(pid, orderLost)
			observer.Expect(t, orderReports)
		}
		a := detail(t, s, parent, "").GetChildren()[0]
		if len(a.GetFailures()) != 8 || a.GetFailureCount() != 10 {
			t.Fatalf("%d kept of %d", len(a.GetFailures()), a.GetFailureCount())
		}
		last := a.GetFailures()[7]
		if last.GetFailure() != errGone.Error() || last.GetMessage() != "supervise.v1.Lost" || last.GetRestarted() == nil ||
			!strings.Contains(last.GetStack(), "supervisor_test.go") {
			t.Errorf("%v", last)
		}
		var failed, restarted int
		for _, e := range journal.Recent(0) {
			if f := e.GetActorFailed(); f != nil {
				failed++
				if f.GetPath() != pid.GetId() || f.GetVerdict() != inspectv1.Verdict_VERDICT_RESTART || f.GetNextTry() == nil {
					t.Errorf("%v", f)
				}
			}
			if e.GetActorRestarted() != nil {
				restarted++
			}
		}
		if failed != 10 || restarted != 10 {
			t.Errorf("told of %d failures and %d restarts", failed, restarted)
		}
	})
}

// counter counts how often it is asked about itself.
type counter struct {
	described *atomic.Int32
	actor.Actor
}

func (c counter) Describe() *inspectv1.Description {
	c.described.Add(1)
	return &inspectv1.Description{}
}

func TestStuckActorCostsItsOwnDescriptionOnly(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		s.Settle()
		supervise.Observe(s.System(), supervise.Observer{Journal: events.New(8)})
		free := make(chan struct{})
		var described atomic.Int32
		parent, pid := play(s, supervise.Spec{New: func() actor.Actor {
			return counter{&described, actor.ReceiveFunc(func(ctx actor.Context) {
				if _, ok := ctx.Message().(*supervisev1.Lost); ok {
					<-free
				}
			})}
		}})
		s.Settle()
		s.Send(pid, orderLost)
		s.Send(pid, orderFinish)
		time.Sleep(time.Second)
		for range 50 { // each leaves a question in the mailbox, but not for ever
			detail(t, s, parent, "")
		}
		a := detail(t, s, parent, "").GetChildren()[0]
		close(free)
		act := a.GetActivity()
		if act.GetCurrent() != "supervise.v1.Lost" || a.GetMailboxDepth() != 1 || act.GetOldest().AsDuration() < time.Second || a.GetDescription() != nil {
			t.Errorf("%v", a)
		}
		s.Settle()
		if all := described.Load(); all > 20 {
			t.Errorf("%d questions waited", all)
		}
	})
}

// Who was asked often and answered can be asked again.
func TestDescriptionsAreHadAgainAndAgain(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		_, parent, pid, _ := observe(t, s, supervise.Permanent)
		for i := range 50 {
			a := detail(t, s, parent, pid.GetId()).GetChildren()[0]
			if a.GetDescription().GetAttributes()[0].GetText() != "hello" || a.GetMailboxDepth() != 0 {
				t.Fatalf("the answer to question %d: %v", i, a)
			}
		}
	})
}

func TestTracesAreBounded(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		_, parent, pid, _ := observe(t, s, supervise.Permanent)
		for text, m := range map[string]*inspectv1.TraceActor{
			"a trace lasts at most": {Path: pid.GetId(), PerSecond: 1, Seconds: 1 << 30},
			"a trace tells at most": {Path: pid.GetId(), PerSecond: 1 << 30, Seconds: 1},
		} {
			if no := s.Ask(t, parent, m).(*inspectv1.ActionReply).GetRefused(); !strings.Contains(no.GetText(), text) {
				t.Errorf("%s: %v", text, no)
			}
		}
	})
}

func TestOperatorRestartsAnActor(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		_, parent, pid, observer := observe(t, s, supervise.Permanent)
		restart := func(path string) *inspectv1.ActionReply {
			return s.Ask(t, parent, &inspectv1.RestartActor{Path: path}).(*inspectv1.ActionReply)
		}
		if a := thing(t, s, parent); a.GetUptime() == nil || a.GetLastFailureTime() != nil {
			t.Errorf("before it failed: %v", a)
		}
		if restart(pid.GetId()).GetDone() == nil {
			t.Fatal("refused")
		}
		observer.Expect(t, orderReports)
		kept := detail(t, s, parent, pid.GetId()).GetChildren()[0]
		if fs := kept.GetFailures(); kept.GetFailureCount() != 1 || len(fs) != 1 || !strings.Contains(fs[0].GetFailure(), "operator") {
			t.Errorf("remembered: %v", kept)
		}
		if a := thing(t, s, parent); a.GetRestarts() != 1 || a.GetState() != supervisev1.State_STATE_RUNNING || a.GetAttempt() != 0 {
			t.Errorf("%v", a)
		}
		s.Send(pid, orderLost) // now it waits for its backoff
		s.Settle()
		if a := thing(t, s, parent); a.GetState() != supervisev1.State_STATE_RESTARTING || a.GetUptime() != nil || a.GetLastFailureTime() == nil {
			t.Errorf("while it waits: %v", a)
		}
		if restart(pid.GetId()).GetDone() == nil {
			t.Fatal("refused while it waits")
		}
		observer.Expect(t, orderReports)
		if no := restart(pid.GetId() + "/deeper").GetRefused(); !strings.Contains(no.GetText(), "no such actor") {
			t.Errorf("%v", no)
		}
	})
}

func TestOperatorCantRestartWhatCanNotBeRestarted(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		_, parent, pid, _ := observe(t, s, supervise.Temporary)
		reply := s.Ask(t, parent, &inspectv1.RestartActor{Path: pid.GetId()}).(*inspectv1.ActionReply)
		if reply.GetRefused() == nil {
			t.Errorf("%v", reply)
		}
	})
}

func TestTraceTellsNoSecret(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		journal, parent, pid, _ := observe(t, s, supervise.Permanent)
		trace := &inspectv1.TraceActor{Path: pid.GetId(), PerSecond: 2, Seconds: 10}
		if reply := s.Ask(t, parent, trace).(*inspectv1.ActionReply); reply.GetDone() == nil {
			t.Fatal(reply)
		}
		for range 5 {
			s.Send(pid, &supervisev1.Lost{Path: "node/x", Failure: "hunter2"})
		}
		s.Settle()
		time.Sleep(time.Second)
		s.Send(pid, &supervisev1.Lost{})
		time.Sleep(time.Minute)
		s.Send(pid, &supervisev1.Lost{Kind: "after the end"})
		s.Settle()
		var told []*inspectv1.MessageTraced
		for _, e := range journal.Recent(0) {
			if strings.Contains(e.String(), "hunter2") {
				t.Errorf("told: %v", e)
			}
			if m := e.GetMessageTraced(); m != nil {
				told = append(told, m)
			}
		}
		if len(told) != 3 || told[2].GetSkipped() != 3 || told[0].GetType() != "supervise.v1.Lost" {
			t.Fatalf("%v", told)
		}
		facts := map[string]string{}
		for _, a := range told[0].GetFields() {
			facts[a.GetName()] = a.GetText()
		}
		if facts["path"] != "node/x" || facts["failure"] != "7 characters" {
			t.Errorf("%v", facts)
		}
	})
}
