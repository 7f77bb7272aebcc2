package router

import (
	"testing"
	"time"

	"receptor/actors/supervise"
	"receptor/actors/supervise/events"
	inspectv1 "receptor/proto/inspect/v1"
	linksv1 "receptor/proto/links/v1"
	routerv1 "receptor/proto/router/v1"
	"receptor/test/probe"
)

func TestHeldLinkEndsAndIsRefusedForAWhile(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		r, _ := startRouter(s, "a")
		b := connect(t, s, r, "b")
		settle(s, b)
		desk := s.Probe()
		hold := func(node string, d time.Duration) *routerv1.HoldLinkReply {
			desk.Send(r, &routerv1.HoldLink{Node: node, DurationMs: d.Milliseconds()})
			return probe.ExpectType[*routerv1.HoldLinkReply](t, desk)
		}
		if no := hold("nobody", time.Second).GetRefused(); no == nil {
			t.Error("a link that is not there is held")
		}
		if no := hold("b", 2*time.Hour).GetRefused(); no == nil {
			t.Error("a link is held too long")
		}
		if hold("b", time.Minute).GetAccepted() == nil {
			t.Fatal("refused")
		}
		if m := probe.ExpectType[*linksv1.TakeDown](t, b); m.GetText() != textHeld || m.GetForMs() != askAgain.Milliseconds() {
			t.Errorf("the link is told %v", m)
		}
		b.Send(r, &routerv1.LinkDown{Node: "b", Incarnation: 1})
		again := s.Probe()
		up := func() *routerv1.LinkUpReply {
			again.Send(r, &routerv1.LinkUp{Node: "b", Cost: 1, Incarnation: 2})
			return probe.ExpectType[*routerv1.LinkUpReply](t, again)
		}
		if no := up().GetRefused(); no.GetText() != textHeld || no.GetForMs() != askAgain.Milliseconds() {
			t.Errorf("while it is held: %v", no)
		}
		pass(s, time.Minute-time.Second)
		if no := up().GetRefused(); no.GetForMs() != time.Second.Milliseconds() {
			t.Errorf("shortly before its end: %v", no)
		}
		pass(s, time.Second)
		if up().GetAccepted() == nil {
			t.Error("still refused when the time is over")
		}
	})
}

func TestHoldCanBeEnded(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		r, _ := startRouter(s, "a")
		b := connect(t, s, r, "b")
		settle(s, b)
		desk := s.Probe()
		for _, d := range []time.Duration{time.Hour, 0} {
			desk.Send(r, &routerv1.HoldLink{Node: "b", DurationMs: d.Milliseconds()})
			if m := probe.ExpectType[*routerv1.HoldLinkReply](t, desk); m.GetAccepted() == nil {
				t.Fatalf("%v: %v", d, m)
			}
		}
		again := s.Probe()
		b.Send(r, &routerv1.LinkDown{Node: "b", Incarnation: 1})
		s.Settle() // two senders have no order between them
		again.Send(r, &routerv1.LinkUp{Node: "b", Cost: 1, Incarnation: 2})
		if m := probe.ExpectType[*routerv1.LinkUpReply](t, again); m.GetAccepted() == nil {
			t.Errorf("%v", m)
		}
	})
}

func TestChangesOfRoutesAreOneEvent(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		journal := events.New(16)
		r := s.Spawn(supervise.Spec{Name: "router", Kind: "router", New: New(Config{
			NodeID: "a", Log: s.Log(), Epoch: ownEpoch, Plane: &plane{}, Events: journal,
		})})
		for i, node := range []string{"b", "c", "d"} {
			link := s.Probe()
			link.Send(r, &routerv1.LinkUp{Node: node, Cost: 1, Incarnation: uint64(i + 1)})
			probe.ExpectType[*routerv1.LinkUpReply](t, link)
		}
		pass(s, time.Second)
		s.Send(r, &routerv1.LinkDown{Node: "c", Incarnation: 2})
		pass(s, 2*time.Second)
		got := journal.Recent(0)
		if len(got) != 2 {
			t.Fatalf("%d events: %v", len(got), got)
		}
		up, down := got[0].GetRoutesChanged(), got[1].GetRoutesChanged()
		if up.GetReachableCount() != 3 || up.GetRoutes() != 3 || up.GetChanges() < 3 || up.GetReachable()[1] != "c" {
			t.Errorf("three came: %v", up)
		}
		if down.GetUnreachableCount() != 1 || down.GetUnreachable()[0] != "c" || down.GetRoutes() != 2 {
			t.Errorf("one went: %v", down)
		}
		d := s.Ask(t, r, &inspectv1.Describe{}).(*inspectv1.Description)
		if f := d.GetRoutes(); f.GetNeighbours() != 2 || f.GetReachableNodes() != 2 || f.GetChanges() < 4 {
			t.Errorf("%v", f)
		}
	})
}

// Who begins to listen late hears of what changes then, not of all that there is.
func TestChangesBeforeTheJournalAreNoEvents(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		journal := events.New(16)
		journal.Switch(false)
		r := s.Spawn(supervise.Spec{Name: "router", Kind: "router", New: New(Config{
			NodeID: "a", Log: s.Log(), Epoch: ownEpoch, Plane: &plane{}, Events: journal,
		})})
		link := func(node string, incarnation uint64) {
			p := s.Probe()
			p.Send(r, &routerv1.LinkUp{Node: node, Cost: 1, Incarnation: incarnation})
			probe.ExpectType[*routerv1.LinkUpReply](t, p)
			pass(s, 2*time.Second)
		}
		link("b", 1)
		link("c", 2)
		journal.Switch(true)
		link("d", 3)
		got := journal.Recent(0)
		if len(got) != 1 {
			t.Fatalf("%d events: %v", len(got), got)
		}
		if up := got[0].GetRoutesChanged(); up.GetReachableCount() != 1 || up.GetReachable()[0] != "d" || up.GetRoutes() != 3 {
			t.Errorf("%v", up)
		}
	})
}
