package services

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"receptor/transport"
)

// tcpDialWait bounds the dial of a target outside the mesh, with its handshake.
const tcpDialWait = 30 * time.Second

// tcpListener has the streams of a TCP socket.
type tcpListener struct {
	net.Listener
	tls *tls.Config // nil without TLS
}

// Accept implements transport.StreamListener.
func (l tcpListener) Accept() (transport.StreamConn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if l.tls != nil {
		return tlsStream{tls.Server(c, l.tls)}, nil
	}
	return streamOf(c)
}

// dialTCP opens a stream to addr, with TLS if cfg is given.
func dialTCP(ctx context.Context, addr string, cfg *tls.Config) (transport.StreamConn, error) {
	ctx, cancel := context.WithTimeout(ctx, tcpDialWait)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	if cfg == nil {
		return streamOf(c)
	}
	t := tlsStream{tls.Client(c, cfg)}
	if err := t.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("TLS handshake error: %w", err), c.Close())
	}
	return t, nil
}

// streamOf checks that c can be closed one way.
func streamOf(c net.Conn) (transport.StreamConn, error) {
	s, ok := c.(transport.StreamConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("%T can't be closed one way", c), c.Close())
	}
	return s, nil
}
