package secure

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"time"

	"receptor/transport"
)

// handshakeLimit is how long a client may take to prove itself.
const handshakeLimit = 10 * time.Second

// ServerStream speaks TLS on an accepted connection. Who uses it first waits for
// the hand-shake, at most 10 s; accepting never does. A hand-shake that fails is
// told to refused, too, once.
func ServerStream(conn net.Conn, cfg *tls.Config, refused func(error)) transport.StreamConn {
	return &serverStream{Conn: tls.Server(conn, cfg), refused: refused}
}

type serverStream struct {
	*tls.Conn
	refused func(error)
	once    sync.Once
	err     error
}

func (s *serverStream) shake() error {
	s.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), handshakeLimit)
		defer cancel()
		if s.err = s.HandshakeContext(ctx); s.err != nil {
			s.refused(s.err)
		}
	})
	return s.err
}

func (s *serverStream) Read(b []byte) (int, error) {
	if err := s.shake(); err != nil {
		return 0, err
	}
	return s.Conn.Read(b)
}

func (s *serverStream) Write(b []byte) (int, error) {
	if err := s.shake(); err != nil {
		return 0, err
	}
	return s.Conn.Write(b)
}
