//go:build linux

package netns

import (
	"context"
	"fmt"
	"testing"
	"time"

	"receptor/test/blackbox/harness"
	"receptor/test/netns/lab"
)

// ring is five nodes, of which each dials the next:
//
//	n1 ── n2 ── n3 ── n4 ── n5 ── n1
type ring struct {
	*world
	net   *lab.Bridge
	nodes []*harness.Node // nodes[0] is n1
}

const ringSize = 5

func newRing(t *testing.T, over backend) *ring {
	t.Helper()
	w := newWorld(t, 3*time.Minute)
	r := &ring{world: w, net: w.bridge(ringSize)}
	for i, h := range r.net.Hosts {
		r.nodes = append(r.nodes, w.on(h, over.listener(h), over.peer(r.net.Hosts[(i+1)%ringSize])))
	}
	w.up(r.nodes...)
	r.whole()
	return r
}

func (r *ring) host(number int) *lab.Host { return r.net.Hosts[number-1] }

func (r *ring) node(number int) *harness.Node { return r.nodes[number-1] }

// whole waits until every node goes straight to the next, and back.
func (r *ring) whole() {
	r.t.Helper()
	for number := range r.nodes {
		r.links(number+1, (number+1)%len(r.nodes)+1, true)
	}
}

// links waits until two nodes go straight to each other, or both another way.
func (r *ring) links(a, b int, straight bool) {
	r.t.Helper()
	r.goes(a, b, straight)
	r.goes(b, a, straight)
}

func (r *ring) goes(a, b int, straight bool) {
	r.t.Helper()
	from, to := r.node(a), r.node(b).ID
	what := fmt.Sprintf("the way from %s to %s to be straight: %v, with %s", from.ID, to, straight, r.net)
	r.must(harness.Until(r.ctx, what, func() error {
		s, err := from.Status(r.ctx)
		if err != nil {
			return err
		}
		if hop := s.RoutingTable[to]; hop == "" || straight != (hop == to) {
			return fmt.Errorf("it goes by %q", hop)
		}
		return nil
	}))
}

// restarts are those of links so far, by node.
func (r *ring) restarts() []int {
	r.t.Helper()
	counts := make([]int, len(r.nodes))
	for i, n := range r.nodes {
		root, err := n.Tree(r.ctx)
		r.must(err)
		root.Each(func(a harness.Actor) {
			switch a.Kind {
			case "link":
				counts[i] += int(a.Restarts)
			default:
				if a.Restarts > 0 {
					r.t.Errorf("%s was restarted: %s", a.Path, a.LastFailure)
				}
			}
		})
	}
	return counts
}

// cut is one way to disturb a ring.
type cut struct {
	name   string
	rules  []lab.Rule
	ends   [2]int        // the nodes whose link is gone
	within time.Duration // for both to find another way
	tries  int           // restarts of the link that are allowed
	loud   bool          // whoever sends something learns of it
}

// endure cuts, waits until nodes go the other way round, heals, and waits until
// the ring is whole.
func (r *ring) endure(c cut) {
	r.t.Helper()
	a, b := c.ends[0], c.ends[1]
	before := r.restarts()
	start := time.Now()
	r.must(r.net.Set(r.ctx, c.rules...))
	if c.loud {
		r.say(a, b)
	}
	r.links(a, b, false)
	noticed := time.Since(start)
	if noticed > c.within {
		r.t.Errorf("%s: noticed after %v", c.name, noticed)
	}
	r.pings(a, b)
	r.pings(b, a)

	start = time.Now()
	r.must(r.net.Set(r.ctx))
	r.whole()
	healed := time.Since(start)
	if healed > healTime {
		r.t.Errorf("%s: healed after %v", c.name, healed)
	}
	after := r.restarts()
	for i := range after {
		allowed := 0
		if i+1 == a {
			allowed = c.tries // a dials
		}
		if tries := after[i] - before[i]; tries > allowed {
			r.t.Errorf("%s: %s has restarted links %d times", c.name, r.nodes[i].ID, tries)
		}
	}
	r.t.Logf("%s: another way after %v, healed in %v, %d restarts", c.name,
		noticed.Round(time.Millisecond), healed.Round(time.Millisecond), after[a-1]-before[a-1])
}

// say sends something over a link that was cut. It arrives if the sender learns of
// the cut before.
func (r *ring) say(a, b int) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.ctx, time.Second/10)
	defer cancel()
	took, err := ping(ctx, r.node(a), r.node(b).ID)
	r.t.Logf("ping into the cut: %v, %v", took, err)
}

// pings wants an answer at the first try.
func (r *ring) pings(a, b int) time.Duration {
	r.t.Helper()
	took, err := ping(r.ctx, r.node(a), r.node(b).ID)
	r.must(err)
	return took
}
