package ws

import (
	"net"
	"testing"

	"receptor/transport/internal/foreign"
)

// TestExistingNode links with another implementation, in both roles. It sends what
// is longer than 4096 bytes in fragments.
func TestExistingNode(t *testing.T) {
	t.Run("it listens", func(t *testing.T) {
		l := listen(t, "", nil)
		closed(t, l)
		_, port, err := net.SplitHostPort(l.Addr())
		if err != nil {
			t.Fatal(err)
		}
		foreign.Start(t, "--ws-listener", "bindaddr=127.0.0.1", "port="+port, "path=/mesh")
		conn := foreign.Call(t, newDialer(t, address(l, "/mesh"), "X-Token: abc", nil))
		defer closed(t, conn)
		foreign.Meet(t, conn)
	})
	t.Run("it dials", func(t *testing.T) {
		l := listen(t, "/mesh/", nil)
		foreign.Start(t, "--ws-peer", "address="+address(l, "/mesh/a"))
		conn := foreign.Answer(t, l)
		defer closed(t, conn)
		foreign.Meet(t, conn)
	})
}
