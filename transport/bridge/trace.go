package bridge

import "net"

// Trace is told what bridges do, one direction at a time: that it begins, each part it
// copies, that it is over. It never sees a payload. Many goroutines call it.
type Trace interface {
	TraceBridging(from, to string)
	TraceCopied(length int, from, to string)
	TraceStopping(from, to string)
}

// Direction is one direction of a bridge for a Trace; the zero value tells nobody.
type Direction struct {
	trace    Trace
	from, to string
}

// NewDirection names both ends. The trace may be nil.
func NewDirection(trace Trace, from, to string) Direction {
	return Direction{trace: trace, from: from, to: to}
}

// Begin tells that there is something to copy from now on.
func (d Direction) Begin() {
	if d.trace != nil {
		d.trace.TraceBridging(d.from, d.to)
	}
}

// Copied tells that a part has reached the other end.
func (d Direction) Copied(length int) {
	if d.trace != nil {
		d.trace.TraceCopied(length, d.from, d.to)
	}
}

// End tells that nothing more is copied.
func (d Direction) End() {
	if d.trace != nil {
		d.trace.TraceStopping(d.from, d.to)
	}
}

// NameOf is how a trace names the far end of c: by its address, or, where that has
// none, as the clients of Unix sockets, by the one that it came to.
func NameOf(c net.Conn) string {
	for _, addr := range []net.Addr{c.RemoteAddr(), c.LocalAddr()} {
		if addr == nil {
			continue
		}
		if name := addr.String(); name != "" && name != "@" {
			return name
		}
	}
	return "unnamed"
}
