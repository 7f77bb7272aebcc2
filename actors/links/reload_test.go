package links

import (
	"testing"
	"time"

	"receptor/test/probe"
	"receptor/transport/mem"

	routerv1 "receptor/proto/router/v1"
	supervisev1 "receptor/proto/supervise/v1"
)

// becomes publishes other backends and waits until they run.
func (n *side) becomes(t *testing.T, s *probe.Stage, maxIdle time.Duration, backends ...Backend) {
	t.Helper()
	n.wanted.Store(Wanted{MaxIdle: maxIdle, Backends: backends})
	if m, ok := s.Ask(t, n.links, &supervisev1.Reconcile{}).(*supervisev1.Reconciled); !ok {
		t.Fatalf("answer %T", m)
	}
	s.Settle()
}

// replaced takes the end of a link and the beginning of the next; two links tell of
// these, in any order.
func (n *side) replaced(t *testing.T, node string, cost float64) {
	t.Helper()
	var up, down int
	for range 2 {
		switch m := n.router.Next(t).(type) {
		case *routerv1.LinkDown:
			if down++; m.GetNode() != node {
				t.Errorf("%s: %v", n.id, m)
			}
		case *routerv1.LinkUp:
			if up++; m.GetNode() != node || m.GetCost() != cost {
				t.Errorf("%s: %v, want %s at cost %v", n.id, m, node, cost)
			}
			n.router.Reply(acceptedReply(m))
		}
	}
	if up != 1 || down != 1 {
		t.Fatalf("%s: %d links began and %d ended, want one each", n.id, up, down)
	}
}

func TestRulesThatANeighbourKeepsLeaveItsLinkAlone(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		net := mem.NewNetwork()
		a, b, ab, _ := pair(t, s, net)
		listener, dialer := listenAt(net, "b"), dialTo(net, "a", "b")
		listener.AnyPeer, listener.AllowedPeers, listener.NodeCost = false, []string{"c", "a"}, map[string]float64{"c": 7}
		b.becomes(t, s, time.Minute, listener)
		dialer.NodeCost = map[string]float64{"c": 7}
		a.becomes(t, s, time.Minute, dialer)
		a.router.ExpectNothing(t)
		b.router.ExpectNothing(t)
		if link := find(s.Tree(t, a.links), "/link"); link.GetPath() != ab.GetId() || link.GetRestarts() != 0 {
			t.Errorf("link %v", link)
		}
	})
}

func TestANeighbourThatIsNotAllowedAnyMoreIsRejected(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		net := mem.NewNetwork()
		a, b, _, _ := pair(t, s, net)
		listener := listenAt(net, "b")
		listener.AnyPeer, listener.AllowedPeers = false, []string{"c"}
		b.becomes(t, s, 0, listener)
		b.down(t, "a")
		a.down(t, "b")
		if !b.log.has(`it is not in the allowed peers list`) {
			t.Error("the log does not say why")
		}
		b.becomes(t, s, 0, listenAt(net, "b"))
		a.up(t, "b", 1)
		b.up(t, "a", 1)
	})
}

func TestANewCostMakesTheLinkAnew(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		net := mem.NewNetwork()
		a, b, _, _ := pair(t, s, net)
		dialer := dialTo(net, "a", "b")
		dialer.Cost = 3
		a.becomes(t, s, 0, dialer)
		a.down(t, "b")
		a.up(t, "b", 3) // the dialer's next link has the new rules
		b.replaced(t, "a", 1)
	})
}

func TestAShorterIdleTimeHoldsAtOnce(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		net := mem.NewNetwork()
		a, b, _, _ := pair(t, s, net)
		a.becomes(t, s, 5*time.Second, dialTo(net, "a", "b"))
		start := time.Now()
		a.down(t, "b")
		if took := time.Since(start); took > 6*time.Second {
			t.Errorf("noticed after %v", took)
		}
		b.down(t, "a")
	})
}

func TestAnotherVersionTakesThePlaceOfTheOneBefore(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		net := mem.NewNetwork()
		a, b, _, _ := pair(t, s, net)
		again := dialTo(net, "a", "b")
		again.Version = 1
		a.becomes(t, s, 0, again)
		a.down(t, "b")
		a.up(t, "b", 1)
		b.replaced(t, "a", 1)
		a.becomes(t, s, 0)
		a.down(t, "b")
		b.down(t, "a")
		if left := s.Tree(t, a.links).GetChildren(); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
	})
}
