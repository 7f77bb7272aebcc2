package ws

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"

	"receptor/transport"
	"receptor/transport/internal/socket"
)

// door lets a bounded number of strangers in.
type door struct {
	net.Listener
	tls     *tls.Config // nil: plain
	inside  *transport.Crowd
	closing chan struct{}
	refuse  func(error)
}

// Accept waits for somebody, and for room. A TLS handshake comes later, with the
// first read of the connection's own goroutine.
func (d *door) Accept() (net.Conn, error) {
	conn, err := d.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if err := socket.LimitUnsent(conn); err != nil {
		d.refuse(errors.Join(err, conn.Close()))
		// the server finds that it is closed
	} else if d.tls != nil {
		secure := socket.Server(conn, d.tls)
		secure.OnFailure(d.refuse)
		conn = secure
	}
	if !d.inside.Enter(conn, d.closing) {
		return nil, errors.Join(net.ErrClosed, conn.Close())
	}
	return conn, nil
}

// state learns when a connection is none of the server's business any more.
func (d *door) state(conn net.Conn, state http.ConnState) {
	if state == http.StateClosed || state == http.StateHijacked {
		d.inside.Leave(conn)
	}
}
