package iproute

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	routerv1 "receptor/proto/router/v1"
)

// Table says which node leads to an address. It does not change.
type Table struct {
	nodes map[netip.Prefix]string
	bits  []int // lengths of prefixes that there are, the longest first
}

// NewTable takes the networks that reachable nodes advertise. If several lead to
// the same one, the cheapest path counts, then the order of names.
func NewTable(network string, s *routerv1.Status) *Table {
	t := &Table{nodes: map[netip.Prefix]string{}}
	costs := s.GetCosts()
	for _, ad := range s.GetAdvertisements() {
		cost, reachable := costs[ad.GetNode()]
		tags := ad.GetTags().GetValues()
		if !reachable || tags[tagType] != typeRouter || tags[tagNetwork] != network {
			continue
		}
		for prefix := range networks(tags) {
			other, taken := t.nodes[prefix]
			if !taken || cost < costs[other] || cost == costs[other] && ad.GetNode() < other {
				t.nodes[prefix] = ad.GetNode()
			}
		}
	}
	seen := map[int]bool{}
	for prefix := range t.nodes {
		seen[prefix.Bits()] = true
	}
	t.bits = slices.SortedFunc(maps.Keys(seen), func(a, b int) int { return b - a })
	return t
}

// networks are those that an advertisement names, but for what can't be read.
func networks(tags map[string]string) map[netip.Prefix]bool {
	found := map[netip.Prefix]bool{}
	for tag, text := range tags {
		if !strings.HasPrefix(tag, tagRoute) {
			continue
		}
		if prefix, err := netip.ParsePrefix(text); err == nil {
			found[prefix.Masked()] = true
		}
	}
	return found
}

// Lookup returns the node of the longest prefix that contains the address.
func (t *Table) Lookup(to netip.Addr) (node string, ok bool) {
	for _, bits := range t.bits {
		prefix, err := to.Prefix(bits)
		if err != nil {
			continue // IPv4 has no prefix of that length
		}
		if node, ok = t.nodes[prefix]; ok {
			return node, true
		}
	}
	return "", false
}

// Prefixes are all networks but those given, in order.
func (t *Table) Prefixes(except ...netip.Prefix) []netip.Prefix {
	all := slices.Collect(maps.Keys(t.nodes))
	all = slices.DeleteFunc(all, func(p netip.Prefix) bool { return slices.Contains(except, p) })
	slices.SortFunc(all, comparePrefixes)
	return all
}

func comparePrefixes(a, b netip.Prefix) int {
	if c := a.Addr().Compare(b.Addr()); c != 0 {
		return c
	}
	return a.Bits() - b.Bits()
}

// Has reports whether any network is behind that node.
func (t *Table) Has(node string) bool {
	for _, n := range t.nodes {
		if n == node {
			return true
		}
	}
	return false
}

// Equal reports whether two tables lead to the same nodes.
func (t *Table) Equal(other *Table) bool { return maps.Equal(t.nodes, other.nodes) }
