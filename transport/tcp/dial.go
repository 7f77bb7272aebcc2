package tcp

import (
	"context"
	"net"
	"time"

	"receptor/transport"
)

// dialTimeout bounds one attempt; without it a silent host costs minutes.
const dialTimeout = 15 * time.Second

// Dialer opens connections to one address.
type Dialer struct {
	addr   string // host:port, an IPv6 literal in brackets
	dialer net.Dialer
}

var _ transport.Dialer = (*Dialer)(nil)

// NewDialer returns a dialer for host:port. The only error is an address that
// can't be one.
func NewDialer(addr string) (*Dialer, error) {
	host, port, err := splitAddr(addr)
	if err != nil {
		return nil, err
	}
	return &Dialer{addr: net.JoinHostPort(host, port), dialer: net.Dialer{Timeout: dialTimeout}}, nil
}

// Dial opens a connection.
func (d *Dialer) Dial(ctx context.Context) (transport.Conn, error) {
	stream, err := d.dialer.DialContext(ctx, "tcp", d.addr)
	if err != nil {
		return nil, err
	}
	return prepare(stream)
}

// Name is tcp-peer:<addr>.
func (d *Dialer) Name() string { return "tcp-peer:" + d.addr }
