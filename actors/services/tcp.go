package services

import (
	"context"
	"fmt"
	"net"
	"time"

	"receptor/transport"
)

// tcpDialWait bounds the dial of a TCP target.
const tcpDialWait = 30 * time.Second

// tcpListener has the streams of a TCP socket.
type tcpListener struct{ net.Listener }

// Accept implements transport.StreamListener.
func (l tcpListener) Accept() (transport.StreamConn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return streamOf(c)
}

func dialTCP(ctx context.Context, addr string) (transport.StreamConn, error) {
	d := net.Dialer{Timeout: tcpDialWait}
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return streamOf(c)
}

// streamOf checks that c can be closed one way, and sends small writes at once.
func streamOf(c net.Conn) (transport.StreamConn, error) {
	s, ok := c.(transport.StreamConn)
	if !ok {
		return nil, fmt.Errorf("%T can't be closed one way", c)
	}
	if t, ok := c.(*net.TCPConn); ok {
		if err := t.SetNoDelay(true); err != nil {
			return nil, fmt.Errorf("set no-delay on %s: %w", c.RemoteAddr(), err)
		}
	}
	return s, nil
}
