package mesh

import (
	"net"
	"net/netip"
)

// What a Tracer hears of those who use the mesh to carry something else. Everything
// here costs next to nothing while nobody traces.

// TraceBridging tells that a direction of a byte bridge begins.
func (p *Plane) TraceBridging(from, to string) {
	if t := p.tracer.Load(); t != nil {
		(*t).Bridging(from, to)
	}
}

// TraceCopied tells that a byte bridge has copied something.
func (p *Plane) TraceCopied(length int, from, to string) {
	if t := p.tracer.Load(); t != nil {
		(*t).Copied(length, from, to)
	}
}

// TraceStopping tells that a direction of a byte bridge is over.
func (p *Plane) TraceStopping(from, to string) {
	if t := p.tracer.Load(); t != nil {
		(*t).Stopping(from, to)
	}
}

// TraceRouted tells that a packet of an IP network goes to the node that leads there.
func (p *Plane) TraceRouted(length int, to netip.Addr, via net.Addr) {
	if t := p.tracer.Load(); t != nil {
		(*t).Routed(length, to.String(), via.String())
	}
}

// TraceUnwrapped tells that a packet of an IP network has come from another node and
// goes to an interface.
func (p *Plane) TraceUnwrapped(length int, from net.Addr, iface string) {
	if t := p.tracer.Load(); t != nil {
		(*t).Unwrapped(length, from.String(), iface)
	}
}
