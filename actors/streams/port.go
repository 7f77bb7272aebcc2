package streams

import (
	"net"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"

	"receptor/transport/mesh"
)

// port is the socket of a service with QUIC on it. A listener that retires shares it
// with the one that takes its place, until its last connection is over.
type port struct {
	service string
	socket  *mesh.Socket
	door    *door
	tr      *quic.Transport
	users   int  // listeners that have connections, or may get some; guarded by Network.portsMu
	vacant  bool // no listener accepts; guarded likewise
}

// takePort opens the port of a service, or takes over one that is vacant.
func (n *Network) takePort(service string) (*port, error) {
	n.portsMu.Lock()
	defer n.portsMu.Unlock()
	if p := n.ports[service]; p != nil && p.vacant {
		p.vacant = false
		p.door.vacated.Store(0)
		p.users++
		return p, nil
	}
	socket, err := n.plane.Listen(service, mesh.SocketOptions{Lossy: true})
	if err != nil {
		return nil, err
	}
	d := &door{datagrams: datagrams{socket}}
	p := &port{
		service: socket.LocalAddr().(*mesh.Addr).Service, socket: socket, door: d, users: 1,
		tr: &quic.Transport{Conn: d, StatelessResetKey: n.resetKey},
	}
	n.ports[p.service] = p
	return p, nil
}

// vacatePort lets another listener have it.
func (n *Network) vacatePort(p *port) {
	n.portsMu.Lock()
	defer n.portsMu.Unlock()
	p.vacant = true
	p.door.vacated.Store(time.Now().UnixNano())
}

// leavePort closes it after the last. Who wants to take it meanwhile waits for that.
func (n *Network) leavePort(p *port) {
	n.portsMu.Lock()
	defer n.portsMu.Unlock()
	if p.users--; p.users > 0 {
		return
	}
	delete(n.ports, p.service)
	n.closeTransport(p.tr, p.socket)
}

// handOver is how long a port may be vacant before dialers hear of it: who takes it
// over does so at once.
const handOver = time.Second

// door is the socket of a port. While nobody has taken that for long, it tells who
// dials that nobody listens; QUIC would say nothing.
type door struct {
	datagrams
	vacated atomic.Int64 // when, in Unix nanoseconds; 0: it is not vacant
}

// ReadFrom implements net.PacketConn.
func (d *door) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := d.datagrams.ReadFrom(b)
		if err != nil || !opensConnection(b[:n]) || !d.isShut() {
			return n, from, err
		}
		d.TurnAway(from)
	}
}

func (d *door) isShut() bool {
	at := d.vacated.Load()
	return at != 0 && time.Since(time.Unix(0, at)) > handOver
}

// opensConnection reports whether a packet is the first one of a hand-shake: a long
// header of type Initial, of QUIC version 1.
func opensConnection(packet []byte) bool { return len(packet) > 0 && packet[0]&0xf0 == 0xc0 }
