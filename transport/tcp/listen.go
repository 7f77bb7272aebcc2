package tcp

import (
	"net"

	"receptor/transport"
)

// Listener accepts connections on one address.
type Listener struct {
	socket net.Listener
}

var _ transport.Listener = (*Listener)(nil)

// Listen opens a listening socket on host:port. Port 0 is any free port.
func Listen(addr string) (*Listener, error) {
	host, port, err := splitAddr(addr)
	if err != nil {
		return nil, err
	}
	socket, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, err
	}
	return &Listener{socket: socket}, nil
}

// Bind describes the socket of Listen for the actor that will own it.
func Bind(addr string) *transport.Binding[transport.Listener] {
	return transport.NewBinding(func() (transport.Listener, error) {
		l, err := Listen(addr)
		if err != nil {
			return nil, err
		}
		return l, nil
	})
}

// ListenerName is tcp-listener:<addr>.
func ListenerName(addr string) string {
	if host, port, err := splitAddr(addr); err == nil {
		addr = net.JoinHostPort(host, port)
	}
	return "tcp-listener:" + addr
}

// Accept waits for the next connection.
func (l *Listener) Accept() (transport.Conn, error) {
	stream, err := l.socket.Accept()
	if err != nil {
		return nil, err
	}
	return prepare(stream)
}

// Addr is the address with the port that was given or found.
func (l *Listener) Addr() string { return l.socket.Addr().String() }

// Close closes the socket; accepted connections stay.
func (l *Listener) Close() error { return l.socket.Close() }
