package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// mesh is what a node knows of the network.
type mesh struct {
	self   string
	costs  map[string]map[string]json.Number // what each node says of its own links
	routes map[string]string                 // next hop by destination
}

func meshOf(st status) mesh {
	m := mesh{self: st.NodeID, costs: map[string]map[string]json.Number{}, routes: map[string]string{}}
	for _, n := range st.KnownConnectionCosts {
		links := map[string]json.Number{}
		for _, peer := range n.value {
			links[peer.name] = peer.value
		}
		m.costs[n.name] = links
	}
	for _, r := range st.RoutingTable {
		m.routes[r.name] = r.value
	}
	if len(m.costs[m.self]) == 0 { // only its links tell of a node without routing updates
		m.costs[m.self] = map[string]json.Number{}
		for _, c := range st.Connections {
			m.costs[m.self][c.NodeID] = c.Cost
		}
	}
	return m
}

// named is the own ID for localhost.
func (m mesh) named(node string) string {
	if strings.EqualFold(node, "localhost") {
		return m.self
	}
	return node
}

// nodes are all that anything is known of.
func (m mesh) nodes() []string {
	known := map[string]bool{m.self: true}
	for node, links := range m.costs {
		known[node] = true
		for peer := range links {
			known[peer] = true
		}
	}
	for node := range m.routes {
		known[node] = true
	}
	return slices.Sorted(maps.Keys(known))
}

// hop is one link of a way.
type hop struct {
	From string
	To   string
	Cost json.Number `json:",omitempty"` // empty if neither end tells
	Link string      // up, one way or unknown, and what there is to say of it
}

const (
	linkUp      = "up"
	linkOneWay  = "one way"
	linkUnknown = "unknown"
)

// hop describes the link between two neighbours.
func (m mesh) hop(from, to string) hop {
	there, hasThere := m.costs[from][to]
	back, hasBack := m.costs[to][from]
	h := hop{From: from, To: to, Cost: there}
	switch {
	case hasThere && hasBack && there == back:
		h.Link = linkUp
	case hasThere && hasBack:
		h.Link = fmt.Sprintf("%s, %s back", linkUp, back)
	case hasThere:
		h.Link = fmt.Sprintf("%s: %s does not list %s", linkOneWay, to, from)
	case hasBack:
		h.Cost, h.Link = back, fmt.Sprintf("%s: %s does not list %s", linkOneWay, from, to)
	default:
		h.Link = linkUnknown
	}
	return h
}

// way is how a message should travel: to the next hop that the node uses, and from
// there the cheapest. It is empty if there is no route.
func (m mesh) way(target string) []hop {
	via, ok := m.routes[target]
	if !ok {
		return nil
	}
	way := []hop{m.hop(m.self, via)}
	rest := m.cheapest(via, target)
	for i := 1; i < len(rest); i++ {
		way = append(way, m.hop(rest[i-1], rest[i]))
	}
	if len(rest) == 0 && via != target { // the graph is older than the route
		way = append(way, hop{From: via, To: target, Link: linkUnknown})
	}
	return way
}

// cheapest is a way that does not lead back through this node.
func (m mesh) cheapest(from, to string) []string {
	dist := map[string]float64{from: 0}
	before := map[string]string{}
	done := map[string]bool{m.self: from != m.self}
	for {
		at, least := "", math.Inf(1)
		for _, node := range slices.Sorted(maps.Keys(dist)) {
			if !done[node] && dist[node] < least {
				at, least = node, dist[node]
			}
		}
		if at == "" {
			return nil
		}
		if at == to {
			break
		}
		done[at] = true
		for peer, cost := range m.costs[at] {
			c, err := cost.Float64()
			if err != nil || c < 0 {
				continue
			}
			if d, seen := dist[peer]; !seen || least+c < d {
				dist[peer], before[peer] = least+c, at
			}
		}
	}
	way := []string{to}
	for at := to; at != from; {
		at = before[at]
		way = append(way, at)
	}
	slices.Reverse(way)
	return way
}

// costOf is the sum, and whether all of it is known.
func costOf(way []hop) (sum float64, known bool) {
	known = true
	for _, h := range way {
		c, err := h.Cost.Float64()
		if err != nil {
			known = false
			continue
		}
		sum += c
	}
	return sum, known
}

// wayText is a way in one line: foo - bar - baz, 2 hops, cost 2.
func wayText(way []hop) string {
	if len(way) == 0 {
		return "no way"
	}
	names := []string{way[0].From}
	for _, h := range way {
		names = append(names, h.To)
	}
	text := fmt.Sprintf("%s, %s", strings.Join(names, " - "), plural(len(way), "hop"))
	if sum, known := costOf(way); known {
		text += fmt.Sprintf(", cost %g", sum)
	}
	return text
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
