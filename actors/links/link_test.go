package links

import (
	"testing"
	"time"

	"receptor/actors/links/handshake"
	linksv1 "receptor/proto/links/v1"
	routerv1 "receptor/proto/router/v1"
	"receptor/test/probe"
	"receptor/transport/mem"
	"receptor/transport/mesh"
	"receptor/transport/wire"
)

func TestNeighboursIntroduceThemselves(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		a, b, ab, ba := pair(t, s, mem.NewNetwork())
		a.router.Send(ab, a.update(map[string]float64{"b": 1}))
		if got := b.updated(t, "a"); got.GetNode() != "a" || got.GetConnections()["b"] != 1 || got.GetNullConnections() {
			t.Errorf("%v", got)
		}
		b.router.Send(ba, b.update(map[string]float64{"a": 1}))
		a.updated(t, "b")
		a.router.ExpectNothing(t)
		if !a.log.has("info Connection established with b") || !b.log.has("info Connection established with a") {
			t.Errorf("logged %q and %q", a.log.text, b.log.text)
		}
	})
}

func TestAdvertisementsReachTheRouterUnchanged(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		a, b, ab, _ := pair(t, s, mem.NewNetwork())
		raw := []byte("\x02" + `{ "NodeID":"x","Service":"svc","Time":"2026-11-22T07:33:03.1Z","ConnType":1,"Tags":{},"More":1}`)
		a.router.Send(ab, &linksv1.SendFrame{Frame: raw})
		m := probe.ExpectType[*routerv1.AdvertisementReceived](t, b.router)
		ad := m.GetAdvertisement()
		if m.GetFrom() != "a" || ad.GetNode() != "x" || ad.GetService() != "svc" || string(ad.GetRaw()) != string(raw) ||
			ad.GetTags() == nil || ad.GetConnType() != routerv1.ConnType_CONN_TYPE_STREAM {
			t.Errorf("%v", m)
		}
	})
}

func TestDataFlowsOnceEstablished(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		a, b, _, _ := pair(t, s, mem.NewNetwork())
		s.Settle()
		a.plane.Publish(mesh.Routes{NextHop: map[string]string{"b": "b"}, Names: []string{"b"}})
		b.plane.Publish(mesh.Routes{NextHop: map[string]string{"a": "a"}, Names: []string{"a"}})
		if got := a.plane.Ping(t.Context(), "b", 30); got.Problem != "" || got.From != "b" {
			t.Errorf("%+v", got)
		}
	})
}

func TestRejections(t *testing.T) {
	tests := []struct {
		name   string
		dialer string // the dialling node's ID
		change func(*Backend)
		refuse string
		reason string
	}{
		{name: "own ID", dialer: "b", reason: handshake.ReasonOwnID},
		{name: "not allowed", dialer: "a", change: func(b *Backend) { b.AnyPeer = false; b.AllowedPeers = []string{"c"} },
			reason: handshake.ReasonNotAllowed},
		{name: "duplicate", dialer: "a", refuse: "it connected using a node ID we are already connected to",
			reason: "it connected using a node ID we are already connected to"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
				net := mem.NewNetwork()
				listen := listenAt(net, "b")
				if tt.change != nil {
					tt.change(&listen)
				}
				b := startSide(s, "b", listen)
				a := newSide(s, tt.dialer, once(net, tt.dialer+"-host"))
				a.acceptAll() // a may hear of b, or of the reject first
				if tt.refuse != "" {
					m := probe.ExpectType[*routerv1.LinkUp](t, b.router)
					b.router.Reply(refusedReply(m, tt.refuse))
				}
				time.Sleep(2 * time.Second)
				b.router.ExpectNothing(t)
				want := "b: rejected connection with node " + tt.dialer + " because " + tt.reason
				// With one ID on both sides either may be the first to say no.
				if !b.log.has(want) && !(tt.dialer == "b" && a.log.has(want)) {
					t.Errorf("logged %q, want %q", b.log.text, want)
				}
				if tt.dialer != "b" && !a.log.has("warn Received a rejection message from peer.") {
					t.Errorf("the reject got lost: %q", a.log.text)
				}
			})
		})
	}
}

// once dials a single time.
func once(net *mem.Network, from string) Backend {
	b := dialTo(net, from, "b")
	b.Redial = false
	return b
}

func TestCostMustAgree(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		net := mem.NewNetwork()
		listen := listenAt(net, "b")
		listen.Cost, listen.NodeCost = 5, map[string]float64{"a": 2}
		b := startSide(s, "b", listen)
		a := newSide(s, "a", once(net, "a"))
		a.up(t, "b", 1)
		ba := b.up(t, "a", 2)
		b.router.Send(ba, b.update(map[string]float64{"a": 2}))
		a.down(t, "b")
		b.down(t, "a")
		time.Sleep(drainTime)
		s.Settle()
		if !a.log.has("warn Backend error: a: rejected connection with node b because " + handshake.ReasonCost) {
			t.Errorf("%q", a.log.text)
		}
		if !b.log.has("Received a rejection message from peer.") {
			t.Errorf("%q", b.log.text)
		}
	})
}

func TestLostConnectionIsRedialled(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		net := mem.NewNetwork()
		a, b, _, _ := pair(t, s, net)
		for i := range 3 {
			time.Sleep(15 * time.Second) // quiet, so the backoff begins anew
			net.Break("a", "b")
			a.down(t, "b")
			b.down(t, "a")
			start := time.Now()
			a.up(t, "b", 1)
			b.up(t, "a", 1)
			if took := time.Since(start); took > redial.Min {
				t.Errorf("redial %d took %v", i, took)
			}
		}
		link := find(s.Tree(t, a.links), "/link")
		if link.GetRestarts() < 3 || link.GetLastFailure() == "" {
			t.Errorf("%v", link)
		}
		if !a.log.has("warn Backend connection exited (will retry)") {
			t.Errorf("%q", a.log.text)
		}
	})
}

func TestRedialBacksOff(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		net := mem.NewNetwork()
		a := newSide(s, "a", dialTo(net, "a", "b"))
		time.Sleep(10 * time.Minute)
		if n := net.Dialled(); n < 25 || n > 200 { // every 10 s on average in the end
			t.Errorf("%d attempts in 10 minutes", n)
		}
		if !a.log.has("warn Backend connection failed (will retry): dial mem b: connection refused") {
			t.Errorf("%q", a.log.text)
		}
		b := startSide(s, "b", listenAt(net, "b"))
		a.up(t, "b", 1)
		b.up(t, "a", 1)
	})
}

func TestRejectedLinkBacksOff(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		net := mem.NewNetwork()
		listen := listenAt(net, "b")
		listen.AnyPeer = false
		startSide(s, "b", listen)
		a := newSide(s, "a", dialTo(net, "a", "b"))
		a.acceptAll()
		time.Sleep(10 * time.Minute)
		if n := net.Dialled(); n > 200 {
			t.Errorf("%d attempts in 10 minutes", n)
		}
	})
}

func TestDialsOnceWithoutRedial(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		s.AllowError("Backend connection failed: dial mem b: connection refused")
		net := mem.NewNetwork()
		a := newSide(s, "a", once(net, "a"))
		time.Sleep(10 * time.Minute)
		if n := net.Dialled(); n != 1 {
			t.Errorf("dialled %d times", n)
		}
		if !a.log.has("error Backend connection failed: dial mem b: connection refused") {
			t.Errorf("%q", a.log.text)
		}
	})
}

func TestSilentNeighbourIsDropped(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		net := mem.NewNetwork()
		a, b, ab, _ := pair(t, s, net)
		time.Sleep(15 * time.Second)
		a.router.Send(ab, a.update(map[string]float64{"b": 1}))
		b.updated(t, "a")
		net.Mute("a", "b")
		start := time.Now()
		a.down(t, "b")
		// Its last sign of life was the answer to a ping that measured the link.
		if got := time.Since(start); got < DefaultMaxIdle-15*time.Second || got > DefaultMaxIdle {
			t.Errorf("a heard nothing for %v more", got)
		}
		b.down(t, "a")
		if got := time.Since(start); got > DefaultMaxIdle {
			t.Errorf("b waited %v", got)
		}
	})
}

func TestStaleFramesOfTheRouterStayOff(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		net := mem.NewNetwork()
		raw := listenRaw(t, net, "b")
		a := newSide(s, "a", dialTo(net, "a", "b"))
		conn := raw.accept(t)
		if got := conn.read(t); got[0] != wire.TypeRoutingUpdate {
			t.Fatalf("%q", got)
		}
		a.router.Send(linkOf(t, s, a), &linksv1.SendFrame{Frame: []byte("\x01stale")})
		s.Settle()
		conn.write(t, update("b", nil))
		a.up(t, "b", 1)
		s.Settle()
		if got := conn.readNow(); got != nil {
			t.Errorf("%q on the wire", got)
		}
	})
}
