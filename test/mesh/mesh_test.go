package mesh

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"receptor/actors/links"
	"receptor/actors/node"
	"receptor/transport/mem"
)

const (
	size = 32
	// settleLimit is how long tables may disagree after a change.
	settleLimit = 500 * time.Millisecond
)

// world is a mesh of nodes in one process, on a fake clock.
type world struct {
	t     *testing.T
	net   *mem.Network
	names []string
	nodes map[string]*node.Node
	peers map[string][]string // who dials whom
}

func name(i int) string { return fmt.Sprintf("n%02d", i) }

// newWorld describes a ring of nodes with a chord from every fourth one.
func newWorld(t *testing.T) *world {
	w := &world{t: t, net: mem.NewNetwork(), nodes: map[string]*node.Node{}, peers: map[string][]string{}}
	for i := range size {
		w.names = append(w.names, name(i))
		w.peers[name(i)] = []string{name((i + 1) % size)}
		if i%4 == 0 {
			w.peers[name(i)] = append(w.peers[name(i)], name((i+size/2-1)%size))
		}
	}
	return w
}

func (w *world) start(id string) {
	cfg := node.Config{ID: id, DataDir: w.t.TempDir(), Debug: true, Backends: []links.Backend{{
		Name: "mem-listener", Binding: w.net.Bind(id), AnyPeer: true,
	}}}
	for _, peer := range w.peers[id] {
		d := w.net.Dialer(id, peer)
		cfg.Backends = append(cfg.Backends, links.Backend{Name: d.Name(), Dialer: d, Redial: true, AnyPeer: true})
	}
	n, err := node.Start(cfg, zerolog.New(zerolog.NewTestWriter(w.t)).Level(zerolog.ErrorLevel))
	if err != nil {
		w.t.Fatalf("start %s: %v", id, err)
	}
	w.nodes[id] = n
}

func (w *world) stop(id string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := w.nodes[id].Stop(ctx); err != nil {
		w.t.Errorf("stop %s: %v", id, err)
	}
	if err := w.nodes[id].Err(); err != nil {
		w.t.Errorf("%s ended: %v", id, err)
	}
	delete(w.nodes, id)
}

func (w *world) stopAll() {
	for id := range w.nodes {
		w.stop(id)
	}
}

// converged waits until every running node has a route to every other, and
// returns how long that took.
func (w *world) converged(limit time.Duration) time.Duration {
	w.t.Helper()
	begin := time.Now()
	var missing string
	for time.Since(begin) < limit {
		if missing = w.missing(); missing == "" {
			return time.Since(begin)
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.t.Fatalf("no convergence in %v: %s", limit, missing)
	return 0
}

func (w *world) missing() string {
	for id, n := range w.nodes {
		s, err := n.Status()
		if err != nil {
			return fmt.Sprintf("%s: %v", id, err)
		}
		for other := range w.nodes {
			if _, ok := s.GetRoutes()[other]; !ok && other != id {
				return fmt.Sprintf("%s has no route to %s", id, other)
			}
		}
		if len(s.GetRoutes()) != len(w.nodes)-1 {
			return fmt.Sprintf("%s has %d routes", id, len(s.GetRoutes()))
		}
	}
	return ""
}

func TestMeshConvergesCutsHealsAndStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for _, id := range w.names {
			w.start(id)
		}
		t.Logf("%d nodes converged in %v", size, w.converged(5*time.Second))

		w.pingAll(name(0))

		w.net.Cut(name(3), name(4))
		t.Logf("one link cut: %v", w.converged(5*time.Second))
		w.pingAll(name(3))

		w.stop(name(9))
		t.Logf("one node stopped: %v", w.converged(30*time.Second))

		w.start(name(9))
		t.Logf("and started again: %v", w.converged(30*time.Second))

		w.net.Heal(name(3), name(4))
		w.linked(name(3), name(4))
		w.pingAll(name(9))
		w.stopAll()
		time.Sleep(2 * time.Second) // the library counts dead letters in goroutines that live for one
	})
}

// pingAll pings every running node. Right after a change two nodes may know
// different things and send a probe in a circle; that must be over in a moment.
func (w *world) pingAll(from string) {
	w.t.Helper()
	for other := range w.nodes {
		r := w.nodes[from].Ping(w.t.Context(), other)
		for begin := time.Now(); r.Problem != "" && time.Since(begin) < settleLimit; {
			time.Sleep(10 * time.Millisecond)
			r = w.nodes[from].Ping(w.t.Context(), other)
		}
		if r.Problem != "" || r.From != other {
			w.t.Errorf("%s pings %s: %+v", from, other, r)
		}
	}
}

// linked waits until two nodes are neighbours.
func (w *world) linked(a, b string) {
	w.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		s, err := w.nodes[a].Status()
		if err != nil {
			w.t.Fatal(err)
		}
		for _, c := range s.GetConnections() {
			if c.GetNode() == b {
				return
			}
		}
	}
	w.t.Errorf("%s and %s did not come together", a, b)
}
