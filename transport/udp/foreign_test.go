package udp

import (
	"net"
	"testing"

	"receptor/transport/internal/foreign"
)

// TestExistingNode links with another implementation, in both roles.
func TestExistingNode(t *testing.T) {
	t.Run("it listens", func(t *testing.T) {
		addr := freeAddr(t)
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			t.Fatal(err)
		}
		foreign.Start(t, "--udp-listener", "bindaddr=127.0.0.1", "port="+port)
		d, err := NewDialer(addr)
		if err != nil {
			t.Fatal(err)
		}
		conn := foreign.Call(t, d)
		defer closed(t, conn)
		foreign.Meet(t, conn)
	})
	t.Run("it dials", func(t *testing.T) {
		l := listen(t, "127.0.0.1:0")
		foreign.Start(t, "--udp-peer", "address="+l.Addr())
		conn := foreign.Answer(t, l)
		defer closed(t, conn)
		foreign.Meet(t, conn)
	})
}

// freeAddr is an address that nobody listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed(t, l)
	return l.Addr()
}
