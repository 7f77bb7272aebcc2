package udp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"

	"receptor/transport"
	"receptor/transport/frame"
	"receptor/transport/internal/socket"
	"receptor/transport/wire"
)

// Dialer makes connected sockets to one address.
type Dialer struct {
	addr   string // host:port, an IPv6 literal in brackets
	port   string
	hosts  *addresses
	dialer net.Dialer
}

var _ transport.Dialer = (*Dialer)(nil)

// NewDialer returns a dialer for host:port. The only error is an address that
// can't be one.
func NewDialer(addr string) (*Dialer, error) {
	host, port, err := socket.Split(addr)
	if err != nil {
		return nil, err
	}
	name := net.JoinHostPort(host, port)
	if host == "" {
		host = "localhost" // as package net has it
	}
	return &Dialer{
		addr: name, port: port, hosts: newAddresses(host),
		dialer: net.Dialer{Timeout: socket.DialTimeout},
	}, nil
}

// Dial makes a socket. That there is nobody at the far end shows only when
// something has been sent: its host refuses it, and ReadFrame says so. If the host
// has another address, the next Dial takes that one.
func (d *Dialer) Dial(ctx context.Context) (transport.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, socket.DialTimeout)
	defer cancel()
	list, err := d.hosts.next(ctx)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "udp", Err: err}
	}
	var problems []error
	for _, addr := range list {
		c, err := d.dial(ctx, net.JoinHostPort(addr.String(), d.port))
		if err == nil {
			c.heard = d.hosts.tried(addr)
			return c, nil
		}
		problems = append(problems, err)
	}
	return nil, errors.Join(problems...)
}

func (d *Dialer) dial(ctx context.Context, addr string) (*Conn, error) {
	stream, err := d.dialer.DialContext(ctx, "udp", addr)
	if err != nil {
		return nil, err
	}
	conn, ok := stream.(*net.UDPConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("dial udp %s: a %T", addr, stream), stream.Close())
	}
	runs, err := prepare(conn)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	c := &Conn{conn: conn, remote: conn.RemoteAddr().String(), receiver: newReceiver(conn)}
	c.sender = newSender(conn, netip.AddrPort{}, nil, runs, &c.dropped)
	return c, nil
}

// Name is udp-peer:<addr>.
func (d *Dialer) Name() string { return "udp-peer:" + d.addr }

// Conn is a connected socket.
type Conn struct {
	conn     *net.UDPConn
	remote   string
	receiver receiver
	heard    func() // called when something has come
	sender   sender
	came     datagrams
	dropped  atomic.Uint64
	closed   atomic.Bool
}

// ReadFrame returns the next message; empty datagrams are passed over.
func (c *Conn) ReadFrame() (*frame.Buf, error) {
	for {
		if f := c.came.next(); f != nil {
			return f, nil
		}
		var err error
		if c.came, _, err = c.receiver.read(); err != nil {
			return nil, err
		}
		c.heard()
	}
}

// WriteFrames sends the batch. A message that is too long is refused before
// anything is sent.
func (c *Conn) WriteFrames(batch []*frame.Buf) error {
	if err := checkLengths(batch, c.remote); err != nil {
		return err
	}
	return c.sender.send(batch)
}

// MaxFrame is the longest message of a packet.
func (c *Conn) MaxFrame() int { return MaxFrame }

// RemoteAddr is the address of the far end.
func (c *Conn) RemoteAddr() string { return c.remote }

// Dropped is how many messages this host could not send and took for lost.
func (c *Conn) Dropped() uint64 { return c.dropped.Load() }

// Close takes leave and closes the socket.
func (c *Conn) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	_, err := c.conn.Write(wire.Reject)
	return errors.Join(farewell(err), closeSocket(c.conn))
}
