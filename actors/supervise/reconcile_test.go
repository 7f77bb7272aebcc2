package supervise_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"receptor/actors/supervise"
	supervisev1 "receptor/proto/supervise/v1"
	"receptor/test/probe"
)

// clan runs what is wanted. A child tells the observer of its beginning and its end.
type clan struct {
	*supervise.Supervisor
	wanted   *supervise.Live[[]supervise.Wanted]
	observer *probe.Probe
}

func (c *clan) Receive(ctx actor.Context) {
	if c.Supervise(ctx) {
		return
	}
	switch ctx.Message().(type) {
	case *actor.Started, *supervisev1.Reconcile:
		c.Reconcile(ctx, c.wanted.Load())
	}
}

// member is a child of that name and version, to be seen as a/1.
func (c *clan) member(s *probe.Stage, name string, version uint64, retires bool) supervise.Wanted {
	label := fmt.Sprintf("%s/%d", name, version)
	say := func(what string) { s.Root().Send(c.observer.PID, &supervisev1.Lost{Path: label, Failure: what}) }
	return supervise.Wanted{Version: version, Spec: supervise.Spec{
		Name: name, Kind: "member", Retires: retires,
		New: func() actor.Actor {
			return actor.ReceiveFunc(func(ctx actor.Context) {
				switch m := ctx.Message().(type) {
				case *actor.Started:
					say("starts")
				case *actor.Stopping:
					say("stops")
				case *supervisev1.Retire:
					say("retires")
					ctx.Respond(&supervisev1.Retired{Child: ctx.Self().GetId()})
				case *supervisev1.Lost:
					if m.GetFailure() == "finish" {
						ctx.Stop(ctx.Self())
						return
					}
					supervise.Fail(supervise.CauseLost, errGone)
				}
			})
		},
	}}
}

func newClan(s *probe.Stage) (*clan, *actor.PID, func(...supervise.Wanted)) {
	c := &clan{wanted: supervise.NewLive([]supervise.Wanted(nil)), observer: s.Probe()}
	pid := s.Spawn(supervise.Spec{Name: "clan", Kind: "clan", Supervises: true, New: func() actor.Actor {
		c.Supervisor = supervise.New(s.Log(), supervise.Backoff{Min: time.Minute, Max: time.Minute, Quiet: time.Hour})
		return c
	}})
	return c, pid, func(wanted ...supervise.Wanted) { c.wanted.Store(wanted) }
}

// hears wants the members to have said this, in this order.
func (c *clan) hears(t *testing.T, what ...string) {
	t.Helper()
	for _, want := range what {
		m := probe.ExpectType[*supervisev1.Lost](t, c.observer)
		if got := m.GetPath() + " " + m.GetFailure(); got != want {
			t.Fatalf("heard %q, want %q", got, want)
		}
	}
	c.observer.ExpectNothing(t)
}

// hearsBoth wants two members to have spoken, whoever was first.
func (c *clan) hearsBoth(t *testing.T, one, other string) {
	t.Helper()
	var got []string
	for range 2 {
		m := probe.ExpectType[*supervisev1.Lost](t, c.observer)
		got = append(got, m.GetPath()+" "+m.GetFailure())
	}
	slices.Sort(got)
	if !slices.Equal(got, []string{one, other}) {
		t.Fatalf("heard %q", got)
	}
	c.observer.ExpectNothing(t)
}

func names(t *testing.T, s *probe.Stage, pid *actor.PID) string {
	t.Helper()
	var list []string
	for _, a := range s.Tree(t, pid).GetChildren() {
		list = append(list, strings.TrimPrefix(a.GetPath(), pid.GetId()+"/"))
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

func reconciled(t *testing.T, s *probe.Stage, pid *actor.PID) {
	t.Helper()
	if m, ok := s.Ask(t, pid, &supervisev1.Reconcile{}).(*supervisev1.Reconciled); !ok {
		t.Fatalf("answer %T", m)
	}
}

func TestReconcileTouchesOnlyWhatDiffers(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		c, pid, want := newClan(s)
		a, b := c.member(s, "a", 1, false), c.member(s, "b", 2, false)
		want(a, b)
		reconciled(t, s, pid)
		c.hearsBoth(t, "a/1 starts", "b/2 starts")
		reconciled(t, s, pid)
		c.hears(t)
		want(b, c.member(s, "c", 3, false))
		reconciled(t, s, pid)
		c.hears(t, "a/1 stops", "c/3 starts")
		// The new one has the old one's name, so it comes after it.
		want(c.member(s, "b", 4, false), c.member(s, "b", 5, false))
		reconciled(t, s, pid)
		if got := names(t, s, pid); got != "b b#2" {
			t.Errorf("children %s", got)
		}
		c.observer.Drain()
	})
}

func TestAFamilyThatIsRestartedHasTheLatest(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		c, pid, want := newClan(s)
		want(c.member(s, "a", 1, false))
		reconciled(t, s, pid)
		want(c.member(s, "b", 2, false))
		s.Stop(pid)
		s.Spawn(supervise.Spec{Name: "again", Kind: "clan", Supervises: true, New: func() actor.Actor {
			c.Supervisor = supervise.New(s.Log(), supervise.Backoff{})
			return c
		}})
		c.hears(t, "a/1 starts", "a/1 stops", "b/2 starts")
	})
}

// One that has failed waits for its restart, and has to go all the same.
func TestReconcileEndsWhoWaitsForARestart(t *testing.T) {
	for _, retires := range []bool{false, true} {
		probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
			c, pid, want := newClan(s)
			want(c.member(s, "a", 1, retires))
			reconciled(t, s, pid)
			s.Send(s.System().NewLocalPID(pid.GetId()+"/a"), orderLost)
			s.Settle()
			want(c.member(s, "a", 2, retires))
			reconciled(t, s, pid)
			time.Sleep(time.Hour)
			c.hears(t, "a/1 starts", "a/1 stops", "a/2 starts")
			if got := names(t, s, pid); got != "a" {
				t.Errorf("children %s", got)
			}
		})
	}
}

// Who retires is not waited for, and its place is free at once.
func TestWhoRetiresFinishesWhatItDoes(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		c, pid, want := newClan(s)
		want(c.member(s, "a", 1, true))
		reconciled(t, s, pid)
		want(c.member(s, "a", 2, true))
		reconciled(t, s, pid)
		c.hears(t, "a/1 starts", "a/1 retires", "a/2 starts")
		reconciled(t, s, pid)
		c.hears(t)
		if got := names(t, s, pid); got != "a a#2" {
			t.Errorf("children %s", got)
		}
		s.Send(s.System().NewLocalPID(pid.GetId()+"/a"), orderFinish)
		s.Settle()
		if got := names(t, s, pid); got != "a#2" {
			t.Errorf("children %s", got)
		}
		c.hears(t, "a/1 stops")
	})
}
