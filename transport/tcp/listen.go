package tcp

import (
	"crypto/tls"
	"errors"
	"net"

	"receptor/transport"
	"receptor/transport/internal/socket"
)

// Listener accepts connections on one address.
type Listener struct {
	socket net.Listener
	tls    *tls.Config // nil: plain
}

var _ transport.Listener = (*Listener)(nil)

// Listen opens a listening socket on host:port. Port 0 is any free port.
func Listen(addr string) (*Listener, error) { return ListenTLS(addr, nil) }

// ListenTLS opens a listening socket on host:port for connections that speak TLS;
// without a config it is Listen.
func ListenTLS(addr string, cfg *tls.Config) (*Listener, error) {
	addr, err := socket.Join(addr)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &Listener{socket: l, tls: socket.Config(cfg)}, nil
}

// Bind describes the socket of Listen for the actor that will own it.
func Bind(addr string) *transport.Binding[transport.Listener] { return BindTLS(addr, nil) }

// BindTLS describes the socket of ListenTLS for the actor that will own it.
func BindTLS(addr string, cfg *tls.Config) *transport.Binding[transport.Listener] {
	return transport.NewBinding(func() (transport.Listener, error) {
		l, err := ListenTLS(addr, cfg)
		if err != nil {
			return nil, err
		}
		return l, nil
	})
}

// ListenerName is tcp-listener:<addr>.
func ListenerName(addr string) string { return socket.Name("tcp-listener", addr) }

// Accept waits for the next connection. A TLS handshake comes later, with the
// first frame: a client that dawdles keeps nobody waiting but its own link.
func (l *Listener) Accept() (transport.Conn, error) {
	stream, err := l.socket.Accept()
	if err != nil {
		return nil, err
	}
	if err := socket.LimitUnsent(stream); err != nil {
		return nil, errors.Join(err, stream.Close())
	}
	if l.tls == nil {
		return NewConn(stream), nil
	}
	return newTLSConn(socket.Server(stream, l.tls)), nil
}

// Addr is the address with the port that was given or found.
func (l *Listener) Addr() string { return l.socket.Addr().String() }

// Close closes the socket; accepted connections stay.
func (l *Listener) Close() error { return l.socket.Close() }
