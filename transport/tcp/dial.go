package tcp

import (
	"context"
	"crypto/tls"
	"errors"
	"net"

	"receptor/transport"
	"receptor/transport/internal/socket"
)

// Dialer opens connections to one address.
type Dialer struct {
	addr   string // host:port, an IPv6 literal in brackets
	host   string
	tls    *tls.Config // nil: plain
	dialer net.Dialer
}

var _ transport.Dialer = (*Dialer)(nil)

// NewDialer returns a dialer for host:port. The only error is an address that
// can't be one.
func NewDialer(addr string) (*Dialer, error) { return NewTLSDialer(addr, nil) }

// NewTLSDialer returns a dialer for host:port that speaks TLS; without a config it
// is NewDialer. The certificate has to be one for the host, unless the config has
// another name.
func NewTLSDialer(addr string, cfg *tls.Config) (*Dialer, error) {
	host, port, err := socket.Split(addr)
	if err != nil {
		return nil, err
	}
	return &Dialer{
		addr: net.JoinHostPort(host, port), host: host, tls: socket.Config(cfg),
		dialer: net.Dialer{Timeout: socket.DialTimeout},
	}, nil
}

// Dial opens a connection. With TLS, the handshake is part of it.
func (d *Dialer) Dial(ctx context.Context) (transport.Conn, error) {
	stream, err := d.dialer.DialContext(ctx, "tcp", d.addr)
	if err != nil {
		return nil, err
	}
	if err := socket.LimitUnsent(stream); err != nil {
		return nil, errors.Join(err, stream.Close())
	}
	if d.tls == nil {
		return NewConn(stream), nil
	}
	secure := socket.Client(stream, d.tls, d.host)
	if err := secure.Shake(ctx); err != nil {
		stream.Close() // perhaps a second time
		return nil, err
	}
	return newTLSConn(secure), nil
}

// Name is tcp-peer:<addr>.
func (d *Dialer) Name() string { return "tcp-peer:" + d.addr }
