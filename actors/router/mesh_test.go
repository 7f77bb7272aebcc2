package router

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/types/known/timestamppb"

	"receptor/actors/supervise"
	linksv1 "receptor/proto/links/v1"
	routerv1 "receptor/proto/router/v1"
	"receptor/test/probe"
	"receptor/transport/wire"
)

// world is routers joined by cables, which carry messages in no time.
type world struct {
	s       *probe.Stage
	routers map[string]*actor.PID
	planes  map[string]*plane
	frames  *atomic.Int64 // on all cables
	cables  int
}

func newWorld(s *probe.Stage, nodes ...string) *world {
	w := &world{s: s, routers: map[string]*actor.PID{}, planes: map[string]*plane{}, frames: &atomic.Int64{}}
	for _, n := range nodes {
		w.routers[n], w.planes[n] = startRouter(s, n)
	}
	return w
}

// end is one end of a cable: the link actor of its router.
type end struct {
	t      *testing.T
	node   string
	far    *end
	router *actor.PID
	frames *atomic.Int64
	self   *actor.PID
	number uint64
	up     int      // ends whose router accepted
	held   [][]byte // came before the far router accepted
}

func (e *end) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *routerv1.LinkUp: // from the test: begin
		ctx.Request(e.router, m)
	case *routerv1.LinkUpReply:
		ctx.Send(e.far.self, &routerv1.Accepted{})
		e.accepted(ctx)
	case *routerv1.Accepted:
		e.accepted(ctx)
	case *linksv1.SendFrame:
		e.frames.Add(1)
		if e.held = append(e.held, m.GetFrame()); e.up == 2 {
			e.deliver(ctx)
		}
	}
}

func (e *end) accepted(ctx actor.Context) {
	if e.up++; e.up == 2 {
		e.deliver(ctx)
	}
}

// deliver does what the far link does with messages of an established neighbour.
func (e *end) deliver(ctx actor.Context) {
	for _, msg := range e.held {
		if msg[0] == wire.TypeRoutingUpdate {
			u, err := wire.DecodeRoutingUpdate(msg)
			if err != nil || u.ForwardingNode != e.node {
				e.t.Errorf("%s sent %q: %v", e.node, msg, err)
			}
			if _, ok := u.Connections[e.far.node]; u.NodeID == e.node && !ok {
				e.t.Errorf("%s no longer lists %s: %q", e.node, e.far.node, msg)
			}
			ctx.Send(e.far.router, &routerv1.UpdateReceived{From: e.node, Update: &routerv1.RoutingUpdate{
				Node: u.NodeID, UpdateId: u.UpdateID, Epoch: u.UpdateEpoch, Sequence: u.UpdateSequence,
				Connections: u.Connections, NullConnections: u.Connections == nil, SuspectedDuplicate: u.SuspectedDuplicate,
			}})
			continue
		}
		a, err := wire.DecodeAdvertisement(msg)
		if err != nil {
			e.t.Errorf("%s sent %q: %v", e.node, msg, err)
		}
		ctx.Send(e.far.router, &routerv1.AdvertisementReceived{From: e.node, Advertisement: &routerv1.Advertisement{
			Node: a.NodeID, Service: a.Service, Time: timestamppb.New(a.Time), TimeText: a.TimeText, Cancel: a.Cancel, Raw: msg,
		}})
	}
	e.held = nil
}

// link joins two routers and returns what cuts the cable.
func (w *world) link(t *testing.T, a, b string) (cut func()) {
	t.Helper()
	w.cables++
	number := uint64(w.cables)
	ends := [2]*end{{node: a}, {node: b}}
	for i, e := range ends {
		e.t, e.far, e.router, e.frames, e.number = t, ends[1-i], w.routers[e.node], w.frames, number
		e.self = w.s.Spawn(supervise.Spec{
			Name: fmt.Sprintf("%d-%s", number, e.node), Kind: "link", New: func() actor.Actor { return e },
		})
	}
	for _, e := range ends {
		w.s.Send(e.self, &routerv1.LinkUp{Node: e.far.node, Cost: 1, Incarnation: number, Capabilities: capabilities})
	}
	return func() {
		for _, e := range ends {
			w.s.Stop(e.self)
		}
		for _, e := range ends {
			w.s.Send(e.router, &routerv1.LinkDown{Node: e.far.node, Incarnation: number})
		}
	}
}

// converged reports whether every router has a way to every other.
func (w *world) converged() bool {
	for a, p := range w.planes {
		for b := range w.planes {
			if a != b && p.next(b) == "" {
				return false
			}
		}
	}
	return true
}

// converge waits, in fake time, and returns how long it took.
func (w *world) converge(t *testing.T) time.Duration {
	t.Helper()
	begin := time.Now()
	for w.s.Settle(); !w.converged(); pass(w.s, time.Millisecond) {
		if time.Since(begin) > time.Minute {
			t.Fatal("no convergence within a minute")
		}
	}
	return time.Since(begin)
}

func (w *world) services(t *testing.T, node string) int {
	t.Helper()
	return len(w.s.Ask(t, w.routers[node], &routerv1.GetStatus{}).(*routerv1.Status).GetAdvertisements())
}

func TestChainConvergesWithoutWaitingForPeriods(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		names := []string{"n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8"}
		w := newWorld(s, names...)
		var cuts []func()
		for i := range names[1:] {
			cuts = append(cuts, w.link(t, names[i], names[i+1]))
		}
		if took := w.converge(t); took > 50*time.Millisecond {
			t.Errorf("a chain of 8 took %v", took)
		}
		pass(s, time.Minute)
		cuts[3]()
		pass(s, 50*time.Millisecond)
		if via := w.planes["n1"].next("n8"); via != "" {
			t.Errorf("n1 still reaches n8 via %s", via)
		}
		w.link(t, "n4", "n5")
		if took := w.converge(t); took > 50*time.Millisecond {
			t.Errorf("healing took %v", took)
		}
	})
}

func TestRingTurnsTheOtherWayAtOnce(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		w := newWorld(s, "a", "b", "c", "d")
		w.link(t, "b", "c")
		w.link(t, "c", "d")
		w.link(t, "d", "a")
		cut := w.link(t, "a", "b")
		w.converge(t)
		pass(s, time.Second)
		if via := w.planes["a"].next("c"); via != "b" {
			t.Errorf("a reaches c via %s, the lesser name is b", via)
		}
		cut()
		s.Settle()
		if a, c := w.planes["a"].next("b"), w.planes["c"].next("a"); a != "d" || c != "d" {
			t.Errorf("without the link a reaches b via %q, c reaches a via %q", a, c)
		}
	})
}

func TestQuietMeshIsQuiet(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		w := newWorld(s, "a", "b", "c", "d")
		for _, l := range []string{"ab", "ac", "ad", "bc", "bd", "cd"} {
			w.link(t, l[:1], l[1:])
		}
		pass(s, time.Minute)
		before := w.frames.Load()
		pass(s, time.Minute)
		// A full mesh of four floods 36 messages for each round of updates: here are
		// two of them, and ten keep-alives in each direction of six links.
		if n := w.frames.Load() - before; n > 2*36+10*12 {
			t.Errorf("%d messages in a quiet minute", n)
		}
	})
}

func TestWithdrawalEndsInATriangle(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		w := newWorld(s, "a", "b", "c")
		w.link(t, "a", "b")
		w.link(t, "b", "c")
		w.link(t, "c", "a")
		s.Send(w.routers["a"], &routerv1.Advertise{Service: "svc"})
		w.converge(t)
		pass(s, time.Second)
		if b, c := w.services(t, "b"), w.services(t, "c"); b != 1 || c != 1 {
			t.Fatalf("b knows %d services, c %d", b, c)
		}
		before := w.frames.Load()
		s.Send(w.routers["a"], &routerv1.Withdraw{Service: "svc"})
		s.Settle()
		if n := w.frames.Load() - before; n < 2 || n > 4 {
			t.Errorf("%d messages for one withdrawal among three", n)
		}
		if b, c := w.services(t, "b"), w.services(t, "c"); b != 0 || c != 0 {
			t.Errorf("b still knows %d services, c %d", b, c)
		}
	})
}

func TestServicesThatNobodyRepeatsAreForgotten(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		w := newWorld(s, "a", "b")
		cut := w.link(t, "a", "b")
		s.Send(w.routers["a"], &routerv1.Advertise{Service: "svc"})
		if pass(s, 10*time.Minute); w.services(t, "b") != 1 {
			t.Fatal("the service is not known")
		}
		cut()
		if pass(s, 10*time.Minute); w.services(t, "b") != 0 {
			t.Error("the service is not forgotten")
		}
	})
}
