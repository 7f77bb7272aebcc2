package udp

import (
	"net"
	"net/netip"

	"receptor/transport/frame"
)

// receiver reads from a socket. It belongs to the reading goroutine.
type receiver struct {
	conn    *net.UDPConn
	buf     []byte
	control []byte
}

func newReceiver(conn *net.UDPConn) receiver {
	return receiver{conn: conn, buf: make([]byte, maxPacket), control: make([]byte, controlSpace)}
}

// read returns a datagram, or a run of them, valid until the next read.
func (r *receiver) read() (datagrams, netip.AddrPort, error) {
	n, control, _, from, err := r.conn.ReadMsgUDPAddrPort(r.buf, r.control)
	if err != nil {
		return datagrams{}, from, err
	}
	d := datagrams{rest: r.buf[:n], size: n, control: r.control[:control]}
	if size := segmentSize(d.control); size > 0 {
		d.size = size
	}
	return d, from, nil
}

// datagrams are one datagram or several of the same length, of which the last may
// be shorter.
type datagrams struct {
	rest    []byte
	size    int
	control []byte // what the kernel says of them
}

// next takes the first datagram off; nil at the end, and for an empty one.
func (d *datagrams) next() *frame.Buf {
	if len(d.rest) == 0 {
		return nil
	}
	n := min(d.size, len(d.rest))
	f := frame.Copy(d.rest[:n])
	d.rest = d.rest[n:]
	return f
}
