package streams

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"receptor/actors/supervise"
	"receptor/test/probe"
	"receptor/transport"
	"receptor/transport/frame"
	"receptor/transport/mesh"
	"receptor/transport/mesh/firewall"
)

// host is one node: its data plane and its streams family.
type host struct {
	plane *mesh.Plane
	net   *Network
	pid   *actor.PID
}

// cable joins the planes of two hosts as a pair of links would.
type cable struct {
	queues []*mesh.Queue
	done   sync.WaitGroup
}

// quality is what a cable does to frames.
type quality struct {
	loss  float64       // share of the frames
	delay time.Duration // of each batch; QUIC needs some on a fake clock
}

// slow is for fake clocks.
var slow = quality{delay: time.Millisecond}

// pair is two nodes, "a" and "b", with a link between them.
type pair struct {
	stage *probe.Stage
	a, b  *host
	cable *cable
}

func newPair(s *probe.Stage, q quality) *pair {
	p := &pair{stage: s, a: newHost("a", "b", s.Log()), b: newHost("b", "a", s.Log())}
	p.a.spawn(s)
	p.b.spawn(s)
	p.cable = join(p.a.plane, p.b.plane, q)
	return p
}

// stop ends everything in the order of a node: actors first.
func (p *pair) stop() {
	p.stage.Stop(p.a.pid)
	p.stage.Stop(p.b.pid)
	p.cable.cut()
}

// newHost is a node with a route to one other.
func newHost(name, other string, log zerolog.Logger, rules ...firewall.Rule) *host {
	compiled, err := firewall.Compile(rules)
	if err != nil {
		panic(err)
	}
	plane := mesh.New(mesh.Config{NodeID: name, Firewall: compiled})
	plane.Publish(mesh.Routes{NextHop: map[string]string{other: other}, Names: []string{other}})
	return &host{plane: plane, net: NewNetwork(NetworkConfig{Plane: plane, Log: log})}
}

func (h *host) spawn(s *probe.Stage) {
	h.pid = s.Spawn(supervise.Spec{
		Name: h.plane.NodeID(), Kind: "streams", Supervises: true, New: New(Config{Log: s.Log(), Network: h.net}),
	})
}

func join(a, b *mesh.Plane, kind quality) *cable {
	w := &cable{}
	w.half(a, b, kind)
	w.half(b, a, kind)
	return w
}

func (w *cable) half(from, to *mesh.Plane, kind quality) {
	q := mesh.NewQueue(mesh.DefaultQueueBytes)
	w.queues = append(w.queues, q)
	from.Attach(to.NodeID(), q)
	random := rand.New(rand.NewPCG(1, 2))
	w.done.Go(func() {
		var batch []*frame.Buf
		for {
			var err error
			if batch, err = q.TakeBatch(batch[:0]); err != nil {
				return
			}
			if kind.delay > 0 {
				time.Sleep(kind.delay)
			}
			for _, f := range batch {
				if kind.loss > 0 && random.Float64() < kind.loss {
					f.Free()
					continue
				}
				to.Receive(f)
			}
		}
	})
}

func (w *cable) cut() {
	for _, q := range w.queues {
		q.Close()
	}
	w.done.Wait()
}

// meet listens at b and dials from a.
func (p *pair) meet(t testing.TB, service string) (near, far transport.StreamConn) {
	t.Helper()
	l := p.b.listen(t, service)
	near = p.a.dial(t, "b", service)
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return near, far
}

func (h *host) listen(t testing.TB, service string) transport.StreamListener {
	t.Helper()
	l, err := h.net.Listen(service, ListenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// serve lets each handle streams until the listener is closed.
func serve(l transport.StreamListener, each func(transport.StreamConn)) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go each(c)
	}
}

func (h *host) dial(t testing.TB, node, service string) transport.StreamConn {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	c, err := h.net.Dial(ctx, node, service, "")
	if err != nil {
		t.Fatal(err)
	}
	return c
}
