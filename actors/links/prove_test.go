package links

import (
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	linksv1 "receptor/proto/links/v1"
	routerv1 "receptor/proto/router/v1"
	"receptor/test/probe"
	"receptor/transport/mem"
	"receptor/transport/mesh"
)

// knowing is pair, whose planes know the way to each other.
func knowing(t *testing.T, s *probe.Stage, net *mem.Network) (a *side, ab *actor.PID) {
	t.Helper()
	a, b, ab, _ := pair(t, s, net)
	s.Settle()
	names := []string{"a", "b"}
	a.plane.Publish(mesh.Routes{NextHop: map[string]string{"b": "b"}, Names: names})
	b.plane.Publish(mesh.Routes{NextHop: map[string]string{"a": "a"}, Names: names})
	return a, ab
}

func TestALinkWhoseNeighbourAnswersStays(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		net := mem.NewNetwork()
		a, link := knowing(t, s, net)
		for range 3 { // one proof at a time
			s.Send(link, &linksv1.ProveAlive{})
		}
		time.Sleep(2 * proofTime)
		a.router.ExpectNothing(t)
		if !a.plane.HasRoute("b") {
			t.Error("the link is gone")
		}
	})
}

func TestALinkWhoseNeighbourIsGoneMakesRoom(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		net := mem.NewNetwork()
		a, link := knowing(t, s, net)
		net.Mute("a", "b")
		begin := time.Now()
		s.Send(link, &linksv1.ProveAlive{})
		m := probe.Await(t, a.router, func(m *routerv1.LinkDown) bool { return m.GetNode() == "b" })
		if took := time.Since(begin); took != proofTime {
			t.Errorf("%v after %v", m, took)
		}
	})
}
