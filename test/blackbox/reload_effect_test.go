package blackbox

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"receptor/test/blackbox/harness"
)

// effect is a change of the configuration and how it shows.
type effect struct {
	node          string // more of the item node, afterwards
	before, after string
	look          func(*world) string
	was, is       string // parts of what look returns
	far           bool   // seen from another node, which has to hear of it first
}

// Everything that a reload can change holds as soon as the reload is answered.
// TestEveryParameterIsReloaded goes through the parameters; this goes through the ways in
// which they take effect.
func TestReloadedParametersTakeEffect(t *testing.T) {
	w := newWorld(t)
	says := func(text string) int {
		return w.serve("tcp4", "127.0.0.1:0", func(conn net.Conn) error {
			_, err := io.WriteString(conn, text)
			return err
		}).port()
	}
	var signs atomic.Value // what a proxy for WebSockets saw last
	signs.Store("")
	proxy := w.serve("tcp4", "127.0.0.1:0", func(conn net.Conn) error {
		request, err := http.ReadRequest(bufio.NewReader(conn))
		if err == nil {
			signs.Store(request.Header.Get("X-Sign"))
		}
		return err
	}).port()
	_, public := w.signingKeys()
	stranger := public + ".old"
	w.must(os.Rename(public, stranger))
	private, public := w.signingKeys()
	one, two, entry, link, web, control := says("one"), says("two"), w.port(), w.port(), w.port(), w.port()
	socket := filepath.Join(w.Dir, "proxy")
	foo := w.configured("foo")
	bar := w.configured("bar", fmt.Sprintf(`tcp-peer: {address: "127.0.0.1:%d"}`, link), fmt.Sprintf("work-signing: {privatekey: %s}", private))
	always := []string{
		"debug", fmt.Sprintf("tcp-listener: {bindaddr: 127.0.0.1, port: %d}", link),
		fmt.Sprintf(`tcp-client: {service: one, address: "127.0.0.1:%d"}`, one), fmt.Sprintf(`tcp-client: {service: two, address: "127.0.0.1:%d"}`, two),
	}
	write := func(w *world, node, item string) {
		w.t.Helper()
		debug := always
		if strings.HasPrefix(item, "debug:") {
			debug = always[1:]
		}
		foo.raw([]string{
			fmt.Sprintf("node: {id: foo, datadir: %s%s}", foo.DataDir, node),
			fmt.Sprintf(`control-service: {filename: %s, tcplisten: "127.0.0.1:%d"}`, foo.Socket, control),
		}, append(debug, item)...)
	}
	write(w, "", "trace")
	w.up(foo.Node, bar.Node)
	w.must(bar.Sees(w.ctx, "foo"))

	read := func(network, addr string) func(*world) string {
		return func(w *world) string {
			text, err := io.ReadAll(w.dial(network, addr))
			w.must(err)
			return string(text)
		}
	}
	hears := func(service string) func(*world) string {
		return func(w *world) string {
			s, err := bar.Connect(w.ctx, "foo", service, "")
			if err != nil {
				return err.Error()
			}
			defer s.Close()
			text, err := io.ReadAll(s.In)
			return fmt.Sprint(string(text), err)
		}
	}
	submits := func(from configured, ask harness.Work) func(*world) string {
		return func(w *world) string {
			ask.Node = "foo"
			unit, _, err := from.Submit(w.ctx, ask)
			if err != nil {
				return err.Error()
			}
			u, err := from.Finished(w.ctx, unit)
			w.must(err)
			return u.StateName + " " + u.Detail
		}
	}
	status := func(url string) func(*world) string {
		return func(w *world) string {
			request, err := http.NewRequestWithContext(w.ctx, http.MethodGet, url, nil)
			w.must(err)
			answer, err := http.DefaultClient.Do(request)
			if err != nil {
				return err.Error()
			}
			return fmt.Sprint(answer.StatusCode, errors.Join(answer.Body.Close()))
		}
	}
	for name, e := range map[string]effect{
		"service behind a port": {
			before: fmt.Sprintf("tcp-server: {bindaddr: 127.0.0.1, port: %d, remotenode: foo, remoteservice: one}", entry),
			after:  fmt.Sprintf("tcp-server: {bindaddr: 127.0.0.1, port: %d, remotenode: foo, remoteservice: two}", entry),
			look:   read("tcp4", local(entry)), was: "one", is: "two",
		},
		"service behind a socket": {
			before: fmt.Sprintf("unix-socket-server: {filename: %s, remotenode: foo, remoteservice: one}", socket),
			after:  fmt.Sprintf("unix-socket-server: {filename: %s, remotenode: foo, remoteservice: two}", socket),
			look:   read("unix", socket), was: "one", is: "two",
		},
		"mode of that socket": {
			before: fmt.Sprintf("unix-socket-server: {filename: %s, remotenode: foo, remoteservice: one}", socket),
			after:  fmt.Sprintf("unix-socket-server: {filename: %s, remotenode: foo, remoteservice: one, permissions: 0640}", socket),
			look: func(w *world) string {
				info, err := os.Stat(socket)
				w.must(err)
				return info.Mode().Perm().String()
			}, was: "-rw-------", is: "-rw-r-----",
		},
		"address behind a service": {
			before: fmt.Sprintf(`tcp-client: {service: moves, address: "127.0.0.1:%d"}`, one),
			after:  fmt.Sprintf(`tcp-client: {service: moves, address: "127.0.0.1:%d"}`, two),
			look:   hears("moves"), was: "one", is: "two", far: true,
		},
		"program behind a service": {
			before: "command-service: {service: prog, command: echo one}", after: "command-service: {service: prog, command: echo two}",
			look: hears("prog"), was: "one", is: "two", far: true,
		},
		"parameters of work": {
			before: "work-command: {worktype: t, command: cat}", after: "work-command: {worktype: t, command: cat, allowruntimeparams: true}",
			look: submits(foo, harness.Work{Type: "t", Params: "-n"}), was: "param", is: "Succeeded",
		},
		"signature of work": {
			before: "work-command: {worktype: t, command: cat}", after: "work-command: {worktype: t, command: cat, verifysignature: true}\n- work-verification: {publickey: " + public + "}",
			look: submits(bar, harness.Work{Type: "t"}), was: "Succeeded", is: "ignature",
		},
		"key that signatures are checked with": {
			before: "work-command: {worktype: t, command: cat, verifysignature: true}\n- work-verification: {publickey: " + stranger + "}",
			after:  "work-command: {worktype: t, command: cat, verifysignature: true}\n- work-verification: {publickey: " + public + "}",
			look:   submits(bar, harness.Work{Type: "t", Sign: true}), was: "ignature", is: "Succeeded",
		},
		"free disk that work needs": {
			before: "work-command: {worktype: t, command: cat}", after: "work-command: {worktype: t, command: cat}", node: ", minfreedisk: 1000000000000000",
			look: submits(foo, harness.Work{Type: "t"}), was: "Succeeded", is: "not enough free disk",
		},
		"output of work": {
			before: "work-command: {worktype: t, command: echo, params: much too long}", after: "work-command: {worktype: t, command: echo, params: much too long, maxoutput: 5}",
			look: submits(foo, harness.Work{Type: "t"}), was: "Succeeded", is: "Failed",
		},
		"address of HTTP": {
			before: "debug: {actions: true}", after: fmt.Sprintf(`debug: {http: "127.0.0.1:%d"}`, web),
			look: status(fmt.Sprintf("http://127.0.0.1:%d/healthz", web)), was: "refused", is: "200",
		},
		"names of HTTP": {
			before: fmt.Sprintf(`debug: {http: "127.0.0.1:%d"}`, web), after: fmt.Sprintf(`debug: {http: "127.0.0.1:%d", remotehttp: true}`, web),
			look: func(w *world) string {
				conn := w.dial("tcp4", local(web))
				_, err := io.WriteString(conn, "GET /healthz HTTP/1.0\r\nHost: example.org\r\n\r\n")
				w.must(err)
				text, err := io.ReadAll(conn)
				w.must(err)
				return string(text)
			}, was: " 403 ", is: " 200 ",
		},
		"header of WebSocket": {
			before: fmt.Sprintf(`ws-peer: {address: "ws://127.0.0.1:%d", extraheader: "X-Sign: one"}`, proxy),
			after:  fmt.Sprintf(`ws-peer: {address: "ws://127.0.0.1:%d", extraheader: "X-Sign: two"}`, proxy),
			look:   func(*world) string { return signs.Load().(string) }, was: "one", is: "two", far: true,
		},
		"path of WebSocket": {
			before: fmt.Sprintf("ws-listener: {bindaddr: 127.0.0.1, port: %d, path: /one}", web), after: fmt.Sprintf("ws-listener: {bindaddr: 127.0.0.1, port: %d, path: /two}", web),
			look: status(fmt.Sprintf("http://127.0.0.1:%d/one", web)), was: "426", is: "404",
		},
		"who may look inside": {
			before: "debug: {}", after: "debug: {remote: true}",
			look: func(w *world) string {
				conn := w.dial("tcp4", local(control))
				_, err := io.WriteString(conn, "tree\n")
				w.must(err)
				w.must(conn.(*net.TCPConn).CloseWrite())
				text, err := io.ReadAll(conn)
				w.must(err)
				return string(text)
			}, was: "own Unix socket", is: `"path":"node/router"`,
		},
		"who may act": {
			before: "debug: {}", after: "debug: {actions: true}",
			look: func(w *world) string {
				answer, err := foo.Ask(w.ctx, `{"command":"act","action":"log-level","path":"node/work","level":"debug","seconds":1}`)
				return answer + harness.ErrText(err)
			}, was: "actions", is: "log level",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := w.in(t)
			for _, state := range []struct{ node, item, want string }{{"", e.before, e.was}, {e.node, e.after, e.is}, {"", e.before, e.was}} {
				write(w, state.node, state.item)
				configured{foo.Node, w}.byCommand()
				w.must(harness.Until(w.ctx, "with "+state.item+state.node, func() error {
					got := e.look(w)
					switch {
					case strings.Contains(got, state.want):
						return nil
					case e.far:
						return errors.New(got)
					}
					return &harness.Fatal{Err: fmt.Errorf("%q, want %q", got, state.want)}
				}))
			}
		})
	}
}
