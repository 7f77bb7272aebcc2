package control

import (
	"fmt"
	"net"
	"strings"

	"receptor/transport"
)

// ListenTCP listens on HOST:PORT; a PORT alone means all IPv4 addresses.
func ListenTCP(addr string) *transport.Binding[transport.StreamListener] {
	if !strings.Contains(addr, ":") {
		addr = "0.0.0.0:" + addr
	}
	return transport.NewBinding(func() (transport.StreamListener, error) {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return nil, fmt.Errorf("error listening on TCP socket: %w", err)
		}
		return tcpListener{l.(*net.TCPListener)}, nil
	})
}

type tcpListener struct{ *net.TCPListener }

// Accept returns the next client.
func (l tcpListener) Accept() (transport.StreamConn, error) {
	conn, err := l.AcceptTCP()
	if err != nil {
		return nil, err
	}
	return conn, nil
}
