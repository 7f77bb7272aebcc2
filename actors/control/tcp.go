package control

import (
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"receptor/actors/supervise/brevity"
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
		return tcpListener{TCPListener: l.(*net.TCPListener), tls: cfg, log: log, refused: &brevity.Brevity{}}, nil
	})
}

type tcpListener struct {
	*net.TCPListener
	tls     *tls.Config
	log     zerolog.Logger
	refused *brevity.Brevity
}

// Accept returns the next client. It does not wait for its TLS hand-shake.
func (l tcpListener) Accept() (transport.StreamConn, error) {
	conn, err := l.AcceptTCP()
	if err != nil {
		return nil, err
	}
	if l.tls != nil {
		return secure.ServerStream(conn, l.tls, func(err error) {
			if log, ok := l.refused.Logger(l.log, time.Now()); ok {
				log.Warn().Stringer("addr", conn.RemoteAddr()).Err(err).Msg("TLS handshake error")
			}
		}), nil
	}
	return conn, nil
}
