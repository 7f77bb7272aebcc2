package blackbox

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"receptor/test/blackbox/harness"
)

const environmentYAML = `---
- node: {id: foo, datadir: ""}
- control-service: {filename: %s}
- ws-peer: "ws://mesh.example.invalid/far"
- ws-peer: "ws://near.example.invalid/"
- work-command: {worktype: cat, command: cat}
`

// What the environment says of the way out and of temporary files is obeyed.
func TestDaemonObeysItsEnvironment(t *testing.T) {
	w := newWorld(t)
	proxy, err := net.Listen("tcp", "127.0.0.1:0")
	w.must(err)
	asked := make(chan string, 1)
	go func() {
		for {
			conn, err := proxy.Accept()
			if err != nil {
				return
			}
			if req, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				select {
				case asked <- fmt.Sprint(req.Method, " ", req.Host):
				default:
				}
			}
			_ = conn.Close() // the daemon dials again
		}
	}()
	t.Cleanup(func() { _ = proxy.Close() })
	temporary := filepath.Join(w.Dir, "tmp")
	w.must(os.Mkdir(temporary, 0o700))

	file := filepath.Join(w.Dir, "foo.yml")
	n := w.fromFile("foo", file)
	n.Via = []string{"env", "TMPDIR=" + temporary, "HTTP_PROXY=http://" + proxy.Addr().String(), "NO_PROXY=near.example.invalid"}
	w.must(os.WriteFile(file, fmt.Appendf(nil, environmentYAML, n.Socket), 0o600))
	w.up(n)
	select {
	case got := <-asked:
		if got != "CONNECT mesh.example.invalid:80" {
			t.Errorf("the proxy was asked to %s", got)
		}
	case <-w.ctx.Done():
		t.Error("nobody came to the proxy")
	}
	w.logHas(n, "lookup near.example.invalid") // not through the proxy
	unit := w.gives(n, "cat")
	w.must(harness.Until(w.ctx, "the unit to be where temporary files are", func() error {
		_, err := os.Stat(filepath.Join(temporary, "receptor", "foo", unit))
		return err
	}))
}
