package router

import (
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"receptor/actors/supervise"
	linksv1 "receptor/proto/links/v1"
	nodev1 "receptor/proto/node/v1"
	routerv1 "receptor/proto/router/v1"
	"receptor/test/probe"
)

// pass lets fake time pass.
func pass(s *probe.Stage, d time.Duration) {
	time.Sleep(d)
	s.Settle()
}

func TestInitIsAnUpdateWithCapabilities(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		r, _ := startRouter(s, "a")
		link := s.Probe()
		for seq := uint64(1); seq <= 2; seq++ {
			link.Send(r, &routerv1.SendInit{})
			u := nextUpdate(t, link)
			if u.NodeID != "a" || u.ForwardingNode != "a" || u.UpdateEpoch != ownEpoch || u.UpdateSequence != seq ||
				len(u.UpdateID) != 8 || len(u.Connections) != 0 || !slices.Equal(u.Capabilities, capabilities) {
				t.Errorf("init %+v", u)
			}
		}
	})
}

func TestAcceptedLinkIsAnnouncedAtOnce(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		r, p := startRouter(s, "a")
		begin := time.Now()
		b := connect(t, s, r, "b")
		if u := nextUpdate(t, b); u.NodeID != "a" || !maps.Equal(u.Connections, map[string]float64{"b": 1}) || u.Capabilities != nil {
			t.Errorf("update to b: %+v", u)
		}
		// The second one comes within the gap: its own link hears at once, the others
		// when the gap is over.
		c := connect(t, s, r, "c")
		want := map[string]float64{"b": 1, "c": 1}
		if u := nextUpdate(t, c); !maps.Equal(u.Connections, want) {
			t.Errorf("update to c: %+v", u)
		}
		b.ExpectNothing(t)
		if took := time.Since(begin); took != 0 {
			t.Errorf("that took %v", took)
		}
		if u := nextUpdate(t, b); !maps.Equal(u.Connections, want) || time.Since(begin) != updateGap {
			t.Errorf("update to b after %v: %+v", time.Since(begin), u)
		}
		if p.next("b") != "b" || p.next("c") != "c" || !p.knows("c") || !p.knows("a") {
			t.Errorf("published %+v", p.routes)
		}
	})
}

func TestSecondLinkToTheSameNodeIsRefused(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		r, p := startRouter(s, "a")
		first := connect(t, s, r, "b")
		settle(s, first)
		second := s.Probe()
		second.Send(r, &routerv1.LinkUp{Node: "b", Cost: 1, Incarnation: 9})
		reply := probe.ExpectType[*routerv1.LinkUpReply](t, second)
		if reply.GetRefused().GetText() != "it connected using a node ID we are already connected to" || reply.GetIncarnation() != 9 {
			t.Errorf("reply %v", reply)
		}
		first.Expect(t, &linksv1.ProveAlive{})
		second.Send(r, &routerv1.LinkDown{Node: "b", Incarnation: 9})
		second.ExpectNothing(t)
		if p.next("b") != "b" {
			t.Error("the refused link took the route with it")
		}
		s.Send(r, &routerv1.LinkDown{Node: "b", Incarnation: 1})
		connect(t, s, r, "b")
	})
}

func TestLinkThatRestartedReplacesItself(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		r, p := startRouter(s, "a")
		b := connect(t, s, r, "b")
		settle(s, b)
		b.Send(r, &routerv1.LinkUp{Node: "b", Cost: 1, Incarnation: 2})
		if reply := probe.ExpectType[*routerv1.LinkUpReply](t, b); reply.GetAccepted() == nil {
			t.Errorf("reply %v", reply)
		}
		s.Send(r, &routerv1.LinkDown{Node: "b", Incarnation: 1})
		settle(s, b)
		if p.next("b") != "b" {
			t.Error("the end of the old incarnation ended the new one")
		}
	})
}

func TestUpdatesAreFloodedToTheOthers(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		r, p := startRouter(s, "a")
		b, c, d := connect(t, s, r, "b"), connect(t, s, r, "c"), connect(t, s, r, "d")
		settle(s, b, c, d)
		s.Send(r, received("b", "x", 1, "b"))
		s.Send(r, received("b", "b", 1, "a", "x"))
		for _, link := range []*probe.Probe{c, d} {
			for _, node := range []string{"x", "b"} {
				m := probe.ExpectType[*linksv1.SendFrame](t, link)
				u := nextOf(t, m)
				if u.NodeID != node || u.UpdateID != node+"-1" || u.ForwardingNode != "a" || u.UpdateEpoch != 7 || m.GetKey() != "u:"+node {
					t.Errorf("passed on as %q: %+v", m.GetKey(), u)
				}
			}
		}
		b.ExpectNothing(t)
		pass(s, tableGap)
		if p.next("x") != "b" {
			t.Errorf("published %+v", p.routes)
		}
		// New nodes are greeted with one update to all, and the same again is nothing.
		pass(s, greetDelay)
		for _, link := range []*probe.Probe{b, c, d} {
			if u := nextUpdate(t, link); u.NodeID != "a" {
				t.Errorf("greeting %+v", u)
			}
		}
		s.Send(r, received("c", "x", 1, "b"))
		for _, link := range []*probe.Probe{b, c, d} {
			link.ExpectNothing(t)
		}
	})
}

// Existing nodes tell a row without neighbours from none.
func TestEmptyRowsArePassedOnAsTheyCame(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		r, _ := startRouter(s, "a")
		b, c := connect(t, s, r, "b"), connect(t, s, r, "c")
		settle(s, b, c)
		for node, null := range map[string]bool{"x": false, "y": true} {
			m := received("b", node, 1)
			m.Update.Connections, m.Update.NullConnections = nil, null
			s.Send(r, m)
			if u := nextUpdate(t, c); u.NodeID != node || (u.Connections == nil) != null {
				t.Errorf("%s is passed on as %+v", node, u)
			}
		}
	})
}

func TestNothingIsTakenFromALinkThatIsGone(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		r, p := startRouter(s, "a")
		b, c := connect(t, s, r, "b"), connect(t, s, r, "c")
		settle(s, b, c)
		s.Send(r, &routerv1.LinkDown{Node: "b", Incarnation: 1})
		settle(s, b, c)
		s.Send(r, received("b", "x", 1))
		s.Send(r, &routerv1.AdvertisementReceived{From: "b", Advertisement: advertisement("x", "svc", 0)})
		c.ExpectNothing(t)
		if pass(s, time.Second); p.knows("x") {
			t.Error("it was believed")
		}
	})
}

func TestLostNeighbourReroutesAtOnce(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		r, p := startRouter(s, "a")
		b, c := connect(t, s, r, "b"), connect(t, s, r, "c")
		s.Send(r, received("b", "b", 1, "a", "c", "x"))
		s.Send(r, received("c", "c", 1, "a", "b"))
		s.Send(r, received("b", "x", 1, "b"))
		settle(s, b, c)
		if p.next("x") != "b" {
			t.Fatalf("published %+v", p.routes)
		}
		s.Send(r, &routerv1.LinkDown{Node: "b", Incarnation: 1})
		s.Settle()
		if p.next("x") != "c" || p.next("b") != "c" {
			t.Errorf("published %+v", p.routes)
		}
		if u := nextUpdate(t, c); !maps.Equal(u.Connections, map[string]float64{"c": 1}) {
			t.Errorf("update %+v", u)
		}
		b.ExpectNothing(t)
	})
}

func TestBurstIsOneUpdateAndFewTables(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		r, p := startRouter(s, "a")
		b := connect(t, s, r, "b")
		settle(s, b)
		before := p.times
		for seq := range uint64(8) {
			s.Send(r, received("b", string(rune('m'+seq)), 1, "b"))
		}
		s.Send(r, received("b", "b", 1, "a", "m", "n", "o", "p", "q", "r", "s", "t"))
		pass(s, time.Second)
		if n := p.times - before; n != 2 {
			t.Errorf("%d tables, want one at the beginning and one at the end", n)
		}
		if n := b.Drain(); n != 1 {
			t.Errorf("%d updates, want one", n)
		}
		if p.next("t") != "b" {
			t.Errorf("published %+v", p.routes)
		}
	})
}

func TestQuietLinksAreKeptAlive(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		r, _ := startRouter(s, "a")
		b := connect(t, s, r, "b")
		first := nextUpdate(t, b)
		pass(s, keepAlivePeriod)
		if again := nextUpdate(t, b); !reflect.DeepEqual(again, first) {
			t.Errorf("kept alive with %+v, last update was %+v", again, first)
		}
		// A new one after a change of the mesh, and otherwise from time to time.
		s.Send(r, received("b", "b", 1, "a"))
		settle(s, b)
		pass(s, keepAlivePeriod)
		last := nextUpdate(t, b)
		s.Send(r, received("b", "b", 2, "a", "x"))
		pass(s, keepAlivePeriod)
		if u := nextUpdate(t, b); u.UpdateSequence <= last.UpdateSequence || u.UpdateID == last.UpdateID {
			t.Errorf("after a change: %+v, before %+v", u, last)
		}
		seen := map[string]bool{}
		for range int(time.Minute / keepAlivePeriod) {
			pass(s, keepAlivePeriod)
			u := nextUpdate(t, b)
			seen[u.UpdateID] = true
			b.ExpectNothing(t)
		}
		if len(seen) != 3 {
			t.Errorf("%d different updates in a quiet minute, want the last one and two new ones", len(seen))
		}
	})
}

func TestNewNeighbourHearsEverything(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		r, _ := startRouter(s, "a")
		b := connect(t, s, r, "b")
		s.Send(r, received("b", "x", 1, "b"))
		s.Send(r, received("b", "c", 1, "x")) // what c said in an earlier life is no news to c
		s.Send(r, &routerv1.UpdateReceived{From: "b", Update: &routerv1.RoutingUpdate{Node: "y", UpdateId: "y-1", Epoch: 1, Sequence: 1, NullConnections: true}})
		s.Send(r, &routerv1.AdvertisementReceived{From: "b", Advertisement: advertisement("x", "svc", 0)})
		s.Send(r, &routerv1.Advertise{Service: "mine"})
		settle(s, b)
		c := connect(t, s, r, "c")
		if u := nextUpdate(t, c); u.NodeID != "a" || len(u.Connections) != 2 {
			t.Errorf("own update %+v", u)
		}
		if u := nextUpdate(t, c); u.UpdateID != "x-1" || u.ForwardingNode != "a" {
			t.Errorf("update of x: %+v", u)
		}
		if u := nextUpdate(t, c); u.UpdateID != "y-1" || u.Connections != nil {
			t.Errorf("update of y: %+v", u)
		}
		if a := nextAd(t, c); a.NodeID != "a" || a.Service != "mine" {
			t.Errorf("own service %+v", a)
		}
		if m := probe.ExpectType[*linksv1.SendFrame](t, c); string(m.GetFrame()) != "raw of x svc" {
			t.Errorf("service of x: %q", m.GetFrame())
		}
		c.ExpectNothing(t)
	})
}

func TestDuplicateIsTold(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		s.AllowError("Duplicate node ID a detected via b")
		r, _ := startRouter(s, "a")
		b, c := connect(t, s, r, "b"), connect(t, s, r, "c")
		settle(s, b, c)
		m := received("b", "a", 1, "b")
		m.Update.Epoch = ownEpoch + 5
		s.Send(r, m)
		for _, link := range []*probe.Probe{b, c} {
			frame := probe.ExpectType[*linksv1.SendFrame](t, link)
			if u := nextOf(t, frame); u.NodeID != "a" || u.SuspectedDuplicate != ownEpoch+5 || u.UpdateEpoch != ownEpoch || frame.GetKey() != "" {
				t.Errorf("told %+v", u)
			}
			if u := nextUpdate(t, link); u.SuspectedDuplicate != 0 || len(u.Connections) != 2 {
				t.Errorf("then %+v", u)
			}
		}
	})
}

func TestYoungerDuplicateStopsTheNode(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		const text = "We are a duplicate node with ID a and epoch 100. Shutting down."
		s.AllowError(text)
		node := s.Probe()
		var r *actor.PID
		s.Spawn(supervise.Spec{Name: "root", Kind: "root", New: func() actor.Actor {
			return actor.ReceiveFunc(func(ctx actor.Context) {
				switch m := ctx.Message().(type) {
				case *actor.Started:
					r = ctx.Spawn(actor.PropsFromProducer(New(Config{NodeID: "a", Log: s.Log(), Epoch: ownEpoch, Plane: &plane{}})))
				case *nodev1.StopNode:
					ctx.Send(node.PID, m)
				}
			})
		}})
		s.Settle()
		connect(t, s, r, "b")
		m := received("b", "a", 1, "b")
		m.Update.SuspectedDuplicate = ownEpoch
		s.Send(r, m)
		node.Expect(t, &nodev1.StopNode{Reason: text})
	})
}

func TestLinkThatWaitsIsToldWhenItsMessageIsDealtWith(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		r, _ := startRouter(s, "a")
		link := s.Probe()
		link.Send(r, received("b", "x", 1))
		link.Expect(t, &routerv1.Handled{})
		link.Send(r, &routerv1.AdvertisementReceived{From: "b", Advertisement: advertisement("x", "svc", 0)})
		link.Expect(t, &routerv1.Handled{})
	})
}

func TestRestartsAreToldToThoseWhoWatch(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		r, _ := startRouter(s, "a")
		watcher := s.Probe()
		watcher.Send(r, &routerv1.WatchRestarts{})
		watcher.Send(r, &routerv1.WatchRestarts{}) // it was restarted: it is told once all the same
		b := connect(t, s, r, "b")
		s.Send(r, received("b", "x", 1, "b"))
		s.Send(r, received("b", "x", 2, "b", "c"))
		settle(s, b)
		watcher.ExpectNothing(t)
		anew := received("b", "x", 3, "b")
		anew.Update.Epoch++
		s.Send(r, anew)
		watcher.Expect(t, &routerv1.NodeRestarted{Node: "x"})
		watcher.ExpectNothing(t)
	})
}

func TestUnreachableNodesAreForgotten(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		r, p := startRouter(s, "a")
		b := connect(t, s, r, "b")
		b.Ignore(&linksv1.SendFrame{})
		s.Send(r, received("b", "x", 1))
		if pass(s, 10*time.Minute); !p.knows("x") {
			t.Fatal("forgotten too early")
		}
		if pass(s, 30*time.Minute); p.knows("x") || !p.knows("b") {
			t.Errorf("published %+v", p.routes)
		}
	})
}
