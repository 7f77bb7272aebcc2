package route

import (
	"maps"
	"math"
	"slices"
)

// Graph holds for each node the neighbours it reported, with the cost of the way
// to them. Such a report is called a row.
//
// A link is there as long as both its ends say so. The first end to report its
// loss takes it out for both directions, and a report that is older than the link
// can't take it out for longer than the next report of the same node needs.
type Graph struct {
	nodes map[string]*node
	round uint64 // of Table; tells the labels of this run from older ones
	heap  heap
}

type node struct {
	name  string
	row   map[string]float64 // as reported, never changed
	ways  []way              // the links of the row that can be used; see waysOf
	fresh bool               // ways fits the rows as they are now
	round uint64             // of Table in which it was settled
}

// way is a link that both ends report, at a usable cost.
type way struct {
	to   *node
	cost float64
}

// Table is the way to each node that can be reached.
type Table map[string]Hop

// Hop is the first step of a way.
type Hop struct {
	Via  string  // neighbour
	Cost float64 // of the whole way
}

// NewGraph returns a Graph without nodes.
func NewGraph() *Graph { return &Graph{nodes: map[string]*node{}} }

// Set replaces the row of a node and reports whether anything changed. The graph
// keeps the row: nobody may change it.
func (g *Graph) Set(name string, row map[string]float64) (changed bool) {
	n, ok := g.nodes[name]
	switch {
	case !ok:
		n = &node{name: name}
		g.nodes[name] = n
	case maps.Equal(n.row, row):
		return false
	}
	g.outdate(n)
	n.row = row
	g.outdate(n)
	return true
}

// Remove forgets a node and its row.
func (g *Graph) Remove(name string) {
	if n, ok := g.nodes[name]; ok {
		g.outdate(n)
		delete(g.nodes, name)
	}
}

// outdate marks a node, and all that share a link with it.
func (g *Graph) outdate(n *node) {
	n.fresh = false
	for other := range n.row {
		if far, known := g.nodes[other]; known {
			far.fresh = false
		}
	}
}

// waysOf are the links of a node that can be used. They are found once and kept
// until its row or that of a neighbour changes.
func (g *Graph) waysOf(n *node) []way {
	if n.fresh {
		return n.ways
	}
	n.ways, n.fresh = n.ways[:0], true
	for other, cost := range n.row {
		if far, known := g.nodes[other]; known && usable(cost) && lists(far, n.name) {
			n.ways = append(n.ways, way{far, cost})
		}
	}
	return n.ways
}

// Nodes are the names of all nodes with a row, in order.
func (g *Graph) Nodes() []string { return slices.Sorted(maps.Keys(g.nodes)) }

// Row is what a node reported, without the links that the other end denies.
func (g *Graph) Row(name string) map[string]float64 {
	row := map[string]float64{}
	if n, ok := g.nodes[name]; ok {
		for other, cost := range n.row {
			if far, known := g.nodes[other]; !known || lists(far, name) {
				row[other] = cost
			}
		}
	}
	return row
}

// usable refuses costs that no sane node reports: they would make a way endless
// or a comparison meaningless.
func usable(cost float64) bool { return cost > 0 && !math.IsInf(cost, 1) }

func lists(n *node, name string) bool {
	_, ok := n.row[name]
	return ok
}

// Table computes the shortest ways from self to everybody. Of equal costs the way
// with fewer hops wins, then the one whose first hop has the lesser name, so that
// the answer depends on the rows alone. A link in self's own row that the other end
// does not report is a last resort: it is either so new that the report is still on
// its way, or carries nothing in the other direction.
func (g *Graph) Table(self string) Table {
	table := make(Table, len(g.nodes))
	start, ok := g.nodes[self]
	if !ok {
		return table
	}
	g.round++
	start.round = g.round
	for name, cost := range start.row {
		switch n, known := g.nodes[name]; {
		case !usable(cost) || name == self:
		case !known:
			table[name] = Hop{Via: name, Cost: cost} // it has not said anything yet
		case lists(n, self):
			g.heap.push(label{cost: cost, hops: 1, via: name, to: n})
		}
	}
	g.settle(table)
	for name, cost := range start.row {
		if n, known := g.nodes[name]; known && usable(cost) && n.round != g.round {
			g.heap.push(label{cost: cost, hops: 1, via: name, to: n})
		}
	}
	g.settle(table)
	return table
}

// settle finds the best ways that begin with the labels in the heap.
func (g *Graph) settle(table Table) {
	for len(g.heap) > 0 {
		best := g.heap.pop()
		if best.to.round == g.round {
			continue // a better way was found before
		}
		best.to.round = g.round
		table[best.to.name] = Hop{Via: best.via, Cost: best.cost}
		g.extend(best)
	}
}

// extend adds the ways that lead one hop further.
func (g *Graph) extend(l label) {
	for _, w := range g.waysOf(l.to) {
		if sum := l.cost + w.cost; w.to.round != g.round && usable(sum) {
			g.heap.push(label{cost: sum, hops: l.hops + 1, via: l.via, to: w.to})
		}
	}
}

// Cyclic reports whether a ring of links remains without the nodes to skip.
func (g *Graph) Cyclic(skip func(name string) bool) bool {
	set := map[string]string{} // union-find: a member on the way to its root
	find := func(name string) string {
		for set[name] != "" {
			name = set[name]
		}
		return name
	}
	for name, n := range g.nodes {
		for other := range n.row {
			far, known := g.nodes[other]
			if name >= other || !known || !lists(far, name) || skip(name) || skip(other) {
				continue
			}
			a, b := find(name), find(other)
			if a == b {
				return true
			}
			set[a] = b
		}
	}
	return false
}
