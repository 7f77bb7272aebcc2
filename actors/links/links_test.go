package links

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"
	"google.golang.org/protobuf/proto"

	"receptor/actors/supervise"
	linksv1 "receptor/proto/links/v1"
	routerv1 "receptor/proto/router/v1"
	supervisev1 "receptor/proto/supervise/v1"
	"receptor/test/probe"
	"receptor/transport/mem"
	"receptor/transport/mesh"
	"receptor/transport/wire"
)

// side is a node's links with a probe for its router.
type side struct {
	id     string
	router *probe.Probe
	plane  *mesh.Plane
	links  *actor.PID
	wanted *supervise.Live[Wanted]
	log    *lines
	seq    uint64
	knows  wire.Capabilities // announced
}

// lines keeps the messages that were logged.
type lines struct {
	mu   sync.Mutex
	text []string
}

func (l *lines) Run(_ *zerolog.Event, level zerolog.Level, msg string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, level.String()+" "+msg)
}

func (l *lines) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.text {
		if strings.Contains(line, text) {
			return true
		}
	}
	return false
}

// count is how many lines there are with text.
func (l *lines) count(text string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.text {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

// last reports whether text is in one of the last lines.
func (l *lines) last(n int, text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.text[max(0, len(l.text)-n):], func(line string) bool { return strings.Contains(line, text) })
}

// startSide is newSide in a bubble, when all of it has started.
func startSide(s *probe.Stage, id string, backends ...Backend) *side {
	n := newSide(s, id, backends...)
	s.Settle()
	return n
}

func newSide(s *probe.Stage, id string, backends ...Backend) *side {
	return newSideThat(s, nil, id, backends...)
}

// newSideThat announces capabilities.
func newSideThat(s *probe.Stage, knows wire.Capabilities, id string, backends ...Backend) *side {
	n := &side{id: id, router: s.Probe(), plane: mesh.New(mesh.Config{NodeID: id}), log: &lines{}, knows: knows}
	n.router.Answer(&routerv1.SendInit{}, func(proto.Message) proto.Message { return n.update(nil) })
	n.wanted = supervise.NewLive(Wanted{Backends: backends})
	cfg := Config{NodeID: id, Log: s.Log().Hook(n.log), Router: n.router.PID, Plane: n.plane, Wanted: n.wanted}
	n.links = s.Spawn(supervise.Spec{Name: n.router.PID.GetId()[len("stage/"):] + "-links", Kind: "links", New: New(cfg), Supervises: true})
	return n
}

func dialTo(n *mem.Network, from, to string) Backend {
	d := n.Dialer(from, to)
	return Backend{Name: d.Name(), Dialer: d, AnyPeer: true, Redial: true}
}

func listenAt(n *mem.Network, name string) Backend {
	return Backend{Name: "mem-listener:" + name, Binding: n.Bind(name), AnyPeer: true}
}

// update is an own routing update of this side.
func (n *side) update(conns map[string]float64) *linksv1.SendFrame {
	n.seq++
	if conns == nil {
		conns = map[string]float64{}
	}
	msg, err := wire.RoutingUpdate{
		NodeID: n.id, UpdateID: "12345678", UpdateEpoch: 1, UpdateSequence: n.seq,
		Connections: conns, ForwardingNode: n.id, Capabilities: n.knows,
	}.Encode()
	if err != nil {
		panic(err)
	}
	return &linksv1.SendFrame{Key: n.id, Frame: msg}
}

// up accepts the neighbour that its link asks for, and returns that link.
func (n *side) up(t *testing.T, node string, cost float64) *actor.PID {
	t.Helper()
	m := probe.ExpectType[*routerv1.LinkUp](t, n.router)
	if m.GetNode() != node || m.GetCost() != cost {
		t.Fatalf("%s: %v, want %s at cost %v", n.id, m, node, cost)
	}
	link := n.router.Sender()
	n.router.Reply(acceptedReply(m))
	return link
}

// acceptAll accepts whoever asks, and takes no notice of their end.
func (n *side) acceptAll() {
	n.router.Answer(&routerv1.LinkUp{}, func(m proto.Message) proto.Message { return acceptedReply(m.(*routerv1.LinkUp)) })
	n.router.Ignore(&routerv1.LinkDown{})
}

func (n *side) down(t *testing.T, node string) {
	t.Helper()
	if m := probe.ExpectType[*routerv1.LinkDown](t, n.router); m.GetNode() != node {
		t.Fatalf("%s: %v", n.id, m)
	}
}

// updated waits for an update of the neighbour that passed the link.
func (n *side) updated(t *testing.T, node string) *routerv1.RoutingUpdate {
	t.Helper()
	m := probe.ExpectType[*routerv1.UpdateReceived](t, n.router)
	if m.GetFrom() != node {
		t.Fatalf("%s: %v", n.id, m)
	}
	return m.GetUpdate()
}

func acceptedReply(m *routerv1.LinkUp) *routerv1.LinkUpReply {
	return &routerv1.LinkUpReply{
		Incarnation: m.GetIncarnation(), Result: &routerv1.LinkUpReply_Accepted{Accepted: &routerv1.Accepted{}},
	}
}

func refusedReply(m *routerv1.LinkUp, text string) *routerv1.LinkUpReply {
	return &routerv1.LinkUpReply{
		Incarnation: m.GetIncarnation(),
		Result:      &routerv1.LinkUpReply_Refused{Refused: &routerv1.Refused{Text: text}},
	}
}

// pair starts a, which dials, and b, which listens, and connects them.
func pair(t *testing.T, s *probe.Stage, net *mem.Network) (a, b *side, ab, ba *actor.PID) {
	t.Helper()
	b = startSide(s, "b", listenAt(net, "b"))
	a = newSide(s, "a", dialTo(net, "a", "b"))
	ab, ba = a.up(t, "b", 1), b.up(t, "a", 1)
	return a, b, ab, ba
}

// find looks for an actor below another one in the tree.
func find(tree *supervisev1.Actor, suffix string) *supervisev1.Actor {
	if strings.HasSuffix(tree.GetPath(), suffix) {
		return tree
	}
	for _, child := range tree.GetChildren() {
		if a := find(child, suffix); a != nil {
			return a
		}
	}
	return nil
}
