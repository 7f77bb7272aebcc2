package streams

import (
	"context"
	"fmt"

	"github.com/quic-go/quic-go"

	"receptor/transport/mesh"
	"receptor/transport/wire"
)

// dialled returns a pump that will connect to k.
func (n *Network) dialled(k key) *pump {
	p := newPump(n, k)
	p.connect = func(ctx context.Context) (*quic.Conn, func(), error) { return n.connect(ctx, p) }
	return p
}

// connect opens a socket of its own for each connection: flows of different
// sessions stay apart in the queues of the mesh, and notices find their session.
func (n *Network) connect(ctx context.Context, p *pump) (*quic.Conn, func(), error) {
	creds, err := n.clientTLS(p.key)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	socket, err := n.plane.Listen("", mesh.SocketOptions{Lossy: true, OnUnreachable: p.unreachable(cancel)})
	if err != nil {
		return nil, nil, fmt.Errorf("open a socket: %w", err)
	}
	tr := &quic.Transport{Conn: datagrams{socket}, StatelessResetKey: n.resetKey}
	hangUp := func() { n.closeTransport(tr, socket) }
	conn, err := tr.Dial(ctx, mesh.Addr{Node: p.key.node, Service: p.key.service}, creds, n.quicConfig(true))
	if err != nil {
		hangUp()
		return nil, nil, err
	}
	return conn, hangUp, nil
}

// unreachable handles notices for the socket of a dialled connection. Anybody can
// forge them, so only those about what we dial count; they end a dial, and later
// just keep new streams off the session.
func (p *pump) unreachable(giveUp context.CancelCauseFunc) func(wire.Unreachable, string) {
	return func(u wire.Unreachable, from string) {
		if u.ToNode != p.key.node || u.ToService != p.key.service {
			return
		}
		switch {
		case u.Problem == wire.ProblemServiceUnknown && from == p.key.node:
			giveUp(&unknownService{node: p.key.node, service: p.key.service})
		case u.Problem == wire.ProblemFirewall: // of any node on the way, ours too
			giveUp(fmt.Errorf("%s on node %s", u.Problem, from))
		default:
			return
		}
		p.retire()
	}
}

// closeTransport ends QUIC before its socket: the other way round it waits for
// itself.
func (n *Network) closeTransport(tr *quic.Transport, socket *mesh.Socket) {
	if err := tr.Close(); err != nil {
		n.log.Debug().Err(err).Msg("close of a transport")
	}
	if err := socket.Close(); err != nil {
		n.log.Debug().Err(err).Msg("close of a socket")
	}
}
