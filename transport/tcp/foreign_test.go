package tcp

import (
	"crypto/tls"
	"net"
	"testing"
	"time"

	"receptor/transport/internal/authority"
	"receptor/transport/internal/foreign"
)

// TestExistingNode links with another implementation, in both roles, over mutual
// TLS.
func TestExistingNode(t *testing.T) {
	ca := authority.New(t)
	t.Run("it listens", func(t *testing.T) {
		l := listenTLS(t, nil)
		closed(t, l)
		_, port, err := net.SplitHostPort(l.Addr())
		if err != nil {
			t.Fatal(err)
		}
		foreign.Start(t, append(foreign.ServerTLS(t, ca),
			"--tcp-listener", "bindaddr=127.0.0.1", "port="+port, "tls=tls")...)
		cfg := ca.Client()
		cfg.Certificates = []tls.Certificate{ca.Issue(t, "client", time.Hour)}
		d, err := NewTLSDialer(l.Addr(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		conn := foreign.Call(t, d)
		defer closed(t, conn)
		foreign.Meet(t, conn)
	})
	t.Run("it dials", func(t *testing.T) {
		l := listenTLS(t, ca.Mutual(t))
		foreign.Start(t, append(foreign.ClientTLS(t, ca), "--tcp-peer", "address="+l.Addr(), "tls=tls")...)
		conn := foreign.Answer(t, l)
		defer closed(t, conn)
		foreign.Meet(t, conn)
	})
}
