package control

import (
	"crypto/tls"
	"fmt"
	"net"
	"strings"

	"github.com/rs/zerolog"

	"receptor/transport"
	"receptor/transport/secure"
)

// ListenTCP listens on HOST:PORT; a PORT alone means all IPv4 addresses. With a
// configuration clients have to speak TLS; nil means none. Clients whose hand-shake
// fails are logged.
func ListenTCP(addr string, cfg *tls.Config, log zerolog.Logger) *transport.Binding[transport.StreamListener] {
	if !strings.Contains(addr, ":") {
		addr = "0.0.0.0:" + addr
	}
	return transport.NewBinding(func() (transport.StreamListener, error) {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return nil, fmt.Errorf("error listening on TCP socket: %w", err)
		}
		return tcpListener{l.(*net.TCPListener), cfg, log}, nil
	})
}

type tcpListener struct {
	*net.TCPListener
	tls *tls.Config
	log zerolog.Logger
}

// Accept returns the next client. It does not wait for its TLS hand-shake.
func (l tcpListener) Accept() (transport.StreamConn, error) {
	conn, err := l.AcceptTCP()
	if err != nil {
		return nil, err
	}
	if l.tls != nil {
		return secure.ServerStream(conn, l.tls, func(err error) {
			l.log.Warn().Stringer("addr", conn.RemoteAddr()).Err(err).Msg("TLS handshake error")
		}), nil
	}
	return conn, nil
}
