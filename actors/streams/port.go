package streams

import (
	"github.com/quic-go/quic-go"

	"receptor/transport/mesh"
)

// port is the socket of a service with QUIC on it. A listener that retires shares it
// with the one that takes its place, until its last connection is over.
type port struct {
	service string
	socket  *mesh.Socket
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
		p.users++
		return p, nil
	}
	socket, err := n.plane.Listen(service, mesh.SocketOptions{Lossy: true})
	if err != nil {
		return nil, err
	}
	p := &port{
		service: socket.LocalAddr().(*mesh.Addr).Service, socket: socket, users: 1,
		tr: &quic.Transport{Conn: datagrams{socket}, StatelessResetKey: n.resetKey},
	}
	n.ports[p.service] = p
	return p, nil
}

// vacatePort lets another listener have it.
func (n *Network) vacatePort(p *port) {
	n.portsMu.Lock()
	defer n.portsMu.Unlock()
	p.vacant = true
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
