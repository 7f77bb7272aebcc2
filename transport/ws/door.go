package ws

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"

	"receptor/transport/internal/socket"
)

// door lets a bounded number of strangers in.
type door struct {
	net.Listener
	tls     *tls.Config   // nil: plain
	inside  chan struct{} // holds one for each stranger
	closing chan struct{}
	refuse  func(error)
}

// Accept waits for room, and for somebody. A TLS handshake comes later, with the
// first read of the connection's own goroutine.
func (d *door) Accept() (net.Conn, error) {
	select {
	case d.inside <- struct{}{}:
	case <-d.closing:
		return nil, net.ErrClosed
	}
	conn, err := d.Listener.Accept()
	if err != nil {
		<-d.inside
		return nil, err
	}
	if err := socket.LimitUnsent(conn); err != nil {
		d.refuse(errors.Join(err, conn.Close()))
		return conn, nil // the server finds that it is closed
	}
	if d.tls == nil {
		return conn, nil
	}
	secure := socket.Server(conn, d.tls)
	secure.OnFailure(d.refuse)
	return secure, nil
}

// state learns when a connection is none of the server's business any more.
func (d *door) state(_ net.Conn, state http.ConnState) {
	if state == http.StateClosed || state == http.StateHijacked {
		<-d.inside
	}
}
