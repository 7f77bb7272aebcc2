package iproute

import (
	"fmt"
	"net/netip"
	"strings"
)

// LocalNet is the network of a tun device: four addresses, of which one is ours
// and one stands for everybody else.
type LocalNet struct {
	Prefix netip.Prefix
	Link   netip.Addr // ours, the first one
	Peer   netip.Addr // the second one: the gateway to all networks
}

// localBits leave room for the network, two hosts and the broadcast address.
const localBits = 30

// ParseLocalNet reads an IPv4 network in CIDR notation.
func ParseLocalNet(text string) (LocalNet, error) {
	prefix, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		return LocalNet{}, fmt.Errorf("could not parse %s as a CIDR address", text)
	case prefix.Bits() != localBits:
		return LocalNet{}, fmt.Errorf("local network %s must be a /30 CIDR", text)
	case !prefix.Addr().Is4():
		return LocalNet{}, fmt.Errorf("local network %s must be IPv4", text)
	}
	prefix = prefix.Masked()
	link := prefix.Addr().Next()
	return LocalNet{Prefix: prefix, Link: link, Peer: link.Next()}, nil
}

// ParseRoutes reads networks in CIDR notation, separated by commas; none at all is
// fine.
func ParseRoutes(text string) ([]netip.Prefix, error) {
	var routes []netip.Prefix
	for word := range strings.SplitSeq(text, ",") {
		word = strings.TrimSpace(word)
		if word == "" {
			continue
		}
		route, err := netip.ParsePrefix(word)
		if err != nil {
			return nil, fmt.Errorf("could not parse %s as a CIDR address", word)
		}
		routes = append(routes, route.Masked())
	}
	return routes, nil
}

const (
	typeRouter = "IP Router"
	tagType    = "type"
	tagNetwork = "network"
	tagLocal   = "route_local"
	tagRoute   = "route" // begins every tag that names a network
)

// Tags advertise the networks of a node.
func Tags(network string, local LocalNet, routes []netip.Prefix) map[string]string {
	tags := map[string]string{tagType: typeRouter, tagNetwork: network, tagLocal: local.Prefix.String()}
	for i, route := range routes {
		tags[fmt.Sprintf("%s_%d", tagRoute, i)] = route.String()
	}
	return tags
}
