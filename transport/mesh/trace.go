package mesh

import (
	"fmt"

	"receptor/transport/wire"
)

// Traced is a data message as a Tracer hears of it, without its payload. A node that
// is not known is named by its hash.
type Traced struct {
	FromNode, FromService, ToNode, ToService string
	Length                                   int // of the payload
}

// Tracer is told of every data message, and of what is carried between the mesh and
// the world: by byte bridges, one direction at a time, and by IP routers. It is called
// on the way of the message, and by many goroutines.
type Tracer interface {
	Sent(m Traced)
	Received(m Traced, via string)  // from that neighbour
	Forwarded(m Traced, via string) // to that neighbour

	Bridging(from, to string)
	Copied(length int, from, to string)
	Stopping(from, to string)

	Routed(length int, to, via string)        // to that IP address by that service of a node
	Unwrapped(length int, from, iface string) // from that service of a node
}

// SetTracer has another one told, also of what is under way; nil: nobody.
func (p *Plane) SetTracer(t Tracer) {
	if t == nil {
		p.tracer.Store(nil)
		return
	}
	p.tracer.Store(&t)
}

// TraceReceived tells of a message that a neighbour sent.
func (p *Plane) TraceReceived(msg []byte, via string) {
	if t := p.tracer.Load(); t != nil {
		if m, ok := p.traced(msg); ok {
			(*t).Received(m, via)
		}
	}
}

func (p *Plane) traceSent(msg []byte) {
	if t := p.tracer.Load(); t != nil {
		if m, ok := p.traced(msg); ok {
			(*t).Sent(m)
		}
	}
}

func (p *Plane) traceForwarded(msg []byte, next *Queue) {
	if t := p.tracer.Load(); t != nil {
		if m, ok := p.traced(msg); ok {
			(*t).Forwarded(m, p.neighbourOf(next))
		}
	}
}

func (p *Plane) traced(msg []byte) (m Traced, ok bool) {
	h, err := wire.DecodeHeader(msg)
	if err != nil {
		return m, false
	}
	names := p.table.Load().names
	name := func(hash uint64) string {
		if known, ok := names[hash]; ok {
			return known
		}
		return fmt.Sprintf("%016x", hash)
	}
	return Traced{
		FromNode: name(h.From), FromService: h.FromService.String(), ToNode: name(h.To), ToService: h.ToService.String(),
		Length: len(msg) - wire.HeaderLen,
	}, true
}

// neighbourOf is the neighbour that a link leads to; empty once it is detached.
func (p *Plane) neighbourOf(q *Queue) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, link := range p.links {
		if link == q {
			return name
		}
	}
	return ""
}
