package router

import (
	"slices"
	"sync"
	"testing"

	"github.com/asynkron/protoactor-go/actor"

	"receptor/actors/supervise"
	linksv1 "receptor/proto/links/v1"
	routerv1 "receptor/proto/router/v1"
	"receptor/test/probe"
	"receptor/transport/mesh"
	"receptor/transport/wire"
)

const ownEpoch = 100

// plane keeps what was published last.
type plane struct {
	mu     sync.Mutex
	routes mesh.Routes
	times  int
}

func (p *plane) Publish(r mesh.Routes) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.routes = r
	p.times++
}

func (p *plane) next(node string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.routes.NextHop[node]
}

func (p *plane) knows(node string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Contains(p.routes.Names, node)
}

// startRouter starts a router called node.
func startRouter(s *probe.Stage, node string) (*actor.PID, *plane) {
	p := &plane{}
	cfg := Config{
		NodeID: node, Log: s.Log(), Epoch: ownEpoch, Plane: p,
		WorkCommands: []*routerv1.WorkCommand{{WorkType: "echo"}, {WorkType: "signed", Secure: true}},
	}
	return s.Spawn(supervise.Spec{Name: node, Kind: "router", New: New(cfg)}), p
}

// connect makes a probe the link to a neighbour. What is sent on it at once stays
// in the probe.
func connect(t *testing.T, s *probe.Stage, router *actor.PID, node string, capabilities ...string) *probe.Probe {
	t.Helper()
	link := s.Probe()
	link.Send(router, &routerv1.LinkUp{Node: node, Cost: 1, Incarnation: 1, Capabilities: capabilities})
	reply := probe.ExpectType[*routerv1.LinkUpReply](t, link)
	if reply.GetAccepted() == nil || reply.GetIncarnation() != 1 {
		t.Fatalf("link to %s: %v", node, reply)
	}
	return link
}

// nextUpdate is the next message on a link, which must be a routing update.
func nextUpdate(t *testing.T, link *probe.Probe) wire.RoutingUpdate {
	t.Helper()
	u, err := wire.DecodeRoutingUpdate(probe.ExpectType[*linksv1.SendFrame](t, link).GetFrame())
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// nextAd is the next message on a link, which must be an advertisement.
func nextAd(t *testing.T, link *probe.Probe) wire.Advertisement {
	t.Helper()
	a, err := wire.DecodeAdvertisement(probe.ExpectType[*linksv1.SendFrame](t, link).GetFrame())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// settle lets all debounced work be done and forgets what came of it.
func settle(s *probe.Stage, links ...*probe.Probe) {
	pass(s, 2*greetDelay)
	for _, l := range links {
		l.Drain()
	}
}

// received is an update of a node that lists neighbours at cost 1.
func received(from, node string, seq uint64, neighbours ...string) *routerv1.UpdateReceived {
	row := map[string]float64{}
	for _, n := range neighbours {
		row[n] = 1
	}
	return &routerv1.UpdateReceived{From: from, Update: &routerv1.RoutingUpdate{
		Node: node, UpdateId: node + "-" + string(rune('0'+seq)), Epoch: 7, Sequence: seq, Connections: row,
	}}
}
