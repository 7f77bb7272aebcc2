package mesh

import (
	"net"
	"strings"

	"receptor/transport/wire"
)

// Addr is a service of a node.
type Addr struct {
	Node, Service string

	text string // String, made once for addresses that come from a Socket
	dest dest
}

// dest is an address as the data header carries it.
type dest struct {
	node    uint64
	service wire.Service
}

// Network implements net.Addr.
func (a Addr) Network() string { return "receptor" }

// String is "node:service".
func (a Addr) String() string {
	if a.text != "" {
		return a.text
	}
	return a.Node + ":" + a.Service
}

// newAddr returns an address with everything computed that is needed per packet.
func newAddr(node, service string, d dest) *Addr {
	return &Addr{Node: node, Service: service, text: node + ":" + service, dest: d}
}

// resolve turns a caller's address into header form.
func (p *Plane) resolve(addr net.Addr) (*Addr, error) {
	var a Addr
	switch t := addr.(type) {
	case nil:
		return nil, &net.AddrError{Err: "missing address"}
	case *Addr:
		if t == nil {
			return nil, &net.AddrError{Err: "missing address"}
		}
		if t.text != "" {
			return t, nil
		}
		a = *t
	case Addr:
		a = t
	default:
		return nil, &net.AddrError{Err: "not a mesh address", Addr: addr.String()}
	}
	service, err := wire.ParseService(a.Service)
	if err != nil {
		return nil, err
	}
	if IsLocalhost(a.Node) {
		a.Node = p.self
	}
	return newAddr(a.Node, a.Service, dest{node: wire.NodeHash(a.Node), service: service}), nil
}

// IsLocalhost reports whether a node name means the own node.
func IsLocalhost(node string) bool { return strings.EqualFold(node, "localhost") }
