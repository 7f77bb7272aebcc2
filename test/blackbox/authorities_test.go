package blackbox

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"receptor/test/blackbox/harness"
)

// Where no authorities are named those of the system count, and SSL_CERT_FILE and
// SSL_CERT_DIR say which these are: for a tls-client, for the one that wss:// has
// without any, and for receptorctl.
func TestAuthoritiesOfTheEnvironment(t *testing.T) {
	w := newWorld(t)
	ca, other := w.authority("own"), w.authority("other")
	folder := func(name string, in pair) string {
		path := filepath.Join(w.Dir, name)
		w.must(os.Mkdir(path, 0o700))
		text, err := os.ReadFile(in.cert)
		w.must(err)
		w.must(os.WriteFile(filepath.Join(path, "some.pem"), text, 0o600))
		return path
	}
	right, wrong := folder("right", ca), folder("wrong", other)
	tcp, ws, control := w.port(), w.port(), w.port()
	hub := w.node("hub", tlsServer("links", w.issue(ca, "hub", of("hub"))),
		append(harness.Listener(tcp), "tls=links"), []string{"--ws-listener", "bindaddr=127.0.0.1", fmt.Sprintf("port=%d", ws), "tls=links"})
	hub.Control = []string{"tcplisten=" + local(control), "tcptls=links"}
	w.up(hub)
	overTCP := harness.Join(tlsClient("links", pair{}), append(harness.Peer(tcp), "tls=links"))
	overWS := []string{"--ws-peer", "address=wss://" + local(ws)}
	for _, c := range []struct {
		name string
		env  string
		dial []string
		good bool
	}{
		{"file", "SSL_CERT_FILE=" + ca.cert, overTCP, true},
		{"folder", "SSL_CERT_DIR=" + right, overTCP, true},
		{"ws-file", "SSL_CERT_FILE=" + ca.cert, overWS, true},
		{"ws-folder", "SSL_CERT_DIR=" + right, overWS, true},
		{"other-file", "SSL_CERT_FILE=" + other.cert, overTCP, false},
		{"other-folder", "SSL_CERT_DIR=" + wrong, overTCP, false},
		{"ws-other", "SSL_CERT_FILE=" + other.cert, overWS, false},
	} {
		n := w.node(c.name, c.dial)
		n.Via = []string{"env", c.env}
		w.up(n)
		if c.good {
			w.must(n.Sees(w.ctx, "hub"))
		} else {
			w.logLineHas(n, "server certificate", "wrong CA")
		}
		out, errs, code := w.run("env", c.env, programs.Receptorctl, "--socket", "tls://"+local(control), "status")
		if c.good != (code == 0) || !c.good && !strings.Contains(errs, "unknown authority") {
			t.Errorf("%s: receptorctl: exit status %d\n%s%s", c.name, code, out, errs)
		}
	}
}
