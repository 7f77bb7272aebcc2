package ws

import (
	"crypto/tls"
	"net"
	"testing"
	"time"

	"receptor/transport/internal/authority"
	"receptor/transport/internal/foreign"
)

// TestExistingNode links with another implementation, in both roles. It sends what
// is longer than 4096 bytes in fragments.
func TestExistingNode(t *testing.T) {
	ca := authority.New(t)
	with := ca.Client()
	with.Certificates = []tls.Certificate{ca.Issue(t, "client", time.Hour)}
	t.Run("it listens", func(t *testing.T) { callExisting(t, nil, nil) })
	t.Run("it listens, tls", func(t *testing.T) {
		callExisting(t, foreign.ServerTLS(t, ca), with, "tls=tls")
	})
	t.Run("it dials", func(t *testing.T) { answerExisting(t, nil, nil) })
	t.Run("it dials, tls", func(t *testing.T) {
		answerExisting(t, foreign.ClientTLS(t, ca), ca.Mutual(t), "tls=tls")
	})
}

func callExisting(t *testing.T, actions []string, cfg *tls.Config, more ...string) {
	l := listen(t, "", nil)
	closed(t, l)
	_, port, err := net.SplitHostPort(l.Addr())
	if err != nil {
		t.Fatal(err)
	}
	actions = append(actions, "--ws-listener", "bindaddr=127.0.0.1", "port="+port, "path=/mesh")
	foreign.Start(t, append(actions, more...)...)
	scheme := "ws://"
	if cfg != nil {
		scheme = "wss://"
	}
	conn := foreign.Call(t, newDialer(t, scheme+l.Addr()+"/mesh", "X-Token: abc", cfg))
	defer closed(t, conn)
	foreign.Meet(t, conn)
}

func answerExisting(t *testing.T, actions []string, cfg *tls.Config, more ...string) {
	l := listen(t, "/mesh/", cfg)
	actions = append(actions, "--ws-peer", "address="+address(l, "/mesh/a"))
	foreign.Start(t, append(actions, more...)...)
	conn := foreign.Answer(t, l)
	defer closed(t, conn)
	foreign.Meet(t, conn)
}
