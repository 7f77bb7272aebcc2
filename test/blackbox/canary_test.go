package blackbox

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"receptor/test/blackbox/harness"
)

// Secrets that the nodes of this test are given. None may come out of them where
// people look inside.
const (
	canaryPayload = "canary-payload-7f3a"
	canaryParam   = "canary-secret-param-9b1c"
	canaryParams  = "canary-command-params-5d2e"
	canaryHeader  = "canary-bearer-token-1c8d"
	canaryToken   = "eyJ" // begins every signature
)

// canaries are all of them: what to look for, and what it is.
func (w *world) canaries(keys ...string) map[string]string {
	w.t.Helper()
	found := map[string]string{
		canaryPayload: "a payload", canaryParam: "a secret parameter", canaryParams: "parameters of a command",
		canaryHeader: "a header of a peer", canaryToken: "a signature",
	}
	for _, file := range keys {
		text, err := os.ReadFile(file)
		w.must(err)
		block, _ := pem.Decode(text)
		if block == nil {
			w.t.Fatalf("%s is no PEM file", file)
		}
		for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n")[1:] {
			if !strings.HasPrefix(line, "-----") && len(line) > 20 {
				found[line] = "a line of " + filepath.Base(file)
			}
		}
	}
	return found
}

// No key, token, secret parameter or payload comes out of a node: in its tree, events,
// traces, metrics, pages and logs.
func TestNoSecretComesOut(t *testing.T) {
	w := newWorld(t)
	ca := w.authority("ca")
	server := w.issue(ca, "bar", of("bar"))
	private, public := w.signingKeys()
	port, web := w.port(), filepath.Join(w.Dir, "web")
	foo := w.node("foo",
		[]string{"--ws-listener", "bindaddr=127.0.0.1", fmt.Sprintf("port=%d", port)},
		[]string{"--debug", "remote=true", "actions=true", "http=" + web}, []string{"--log-level", "debug"}, []string{"--trace"},
		[]string{"--tls-client", "name=c", "cert=", "key=", "rootcas=" + ca.cert},
		[]string{"--work-signing", "privatekey=" + private}, harness.Command("cat", "cat", ""),
	)
	bar := w.node("bar",
		[]string{"--ws-peer", fmt.Sprintf("address=ws://127.0.0.1:%d/", port), "extraheader=Authorization:" + canaryHeader},
		[]string{"--debug", "remote=true"}, []string{"--log-level", "debug"}, []string{"--log-format", "json"},
		tlsServer("s", server), []string{"--work-verification", "publickey=" + public},
		[]string{"--work-command", "worktype=signed", "command=cat", "verifysignature=true"},
		[]string{"--work-command", "worktype=open", "command=cat", "params=", "allowruntimeparams=true"},
	)
	bar.Control = []string{"tls=s"}
	w.up(foo, bar)
	w.must(foo.Sees(w.ctx, "bar"))
	for _, path := range []string{"node/work", "node/links", "node/streams", "node/control"} {
		w.actsOn(foo, path)
	}

	w.submits(foo, "cat")
	w.submits(foo, "signed", "--node", "bar", "--tls-client", "c", "--signwork")
	// The unit of that type takes no such parameter: it fails, and must not say why in detail.
	_, _, _ = w.runWith(canaryPayload, programs.Receptorctl, "--socket", foo.Socket, "work", "submit", "open",
		"--node", "bar", "--tls-client", "c", "--payload", "-", "--param", "secret_token="+canaryParam, "--param", "params="+canaryParams)

	outputs := w.insideOf(foo, web)
	for name, text := range w.insideOf(bar, "") {
		outputs["bar "+name] = text
	}
	for what, text := range outputs {
		if len(text) == 0 {
			t.Errorf("%s is empty: nothing was tested", what)
		}
		for canary, secret := range w.canaries(private, server.key) {
			if i := strings.Index(text, canary); i >= 0 {
				t.Errorf("%s in %s: %q", secret, what, text[max(i-80, 0):min(i+80, len(text))])
			}
		}
	}
	if !strings.Contains(outputs["events"], "message_traced") || !strings.Contains(outputs["events"], "unit_changed") {
		t.Error("events tell neither of traced messages nor of units")
	}
}

// submits runs a unit to its end.
func (w *world) submits(n *harness.Node, workType string, more ...string) {
	w.t.Helper()
	args := append([]string{"--socket", n.Socket, "work", "submit", workType, "--payload", "-", "--follow"}, more...)
	out, complaints, code := w.runWith(canaryPayload, programs.Receptorctl, args...)
	if code != 0 || !strings.Contains(out, canaryPayload) {
		w.t.Fatalf("submit %s: status %d, %q, %s", workType, code, out, complaints)
	}
}

// actsOn traces an actor for the time of the test.
func (w *world) actsOn(n *harness.Node, path string) {
	w.t.Helper()
	_, err := n.Ask(w.ctx, fmt.Sprintf(`{"command":"act","action":"trace","path":%q,"rate":100,"seconds":600}`, path))
	w.must(err)
}

// insideOf is all that a node tells of its inside.
func (w *world) insideOf(n *harness.Node, web string) map[string]string {
	w.t.Helper()
	out := map[string]string{
		"tree":   w.ctl(n, "tree", "--long", "--json"),
		"top":    w.ctl(n, "top", "-n", "1", "-i", "100ms", "--json"),
		"events": w.ctl(n, "events", "--json"),
		"status": w.ctl(n, "status", "--long", "--json"),
	}
	log, err := os.ReadFile(n.LogFile)
	w.must(err)
	out["log"] = string(log)
	if web == "" {
		return out
	}
	for _, page := range []string{"/metrics", "/api/v1/snapshot", "/api/v1/tree?detail=1", "/api/v1/links", "/api/v1/mesh", "/api/v1/units"} {
		code, text, err := get(w.ctx, onSocket(web), "http://localhost"+page)
		w.must(err)
		if code != 200 {
			w.t.Errorf("%s: %d %s", page, code, text)
		}
		out[page] = text
	}
	return out
}

// Nothing of the inside is seen from the mesh, and nobody acts from there.
func TestInsideIsSeenAtItsOwnSocketOnly(t *testing.T) {
	w := newWorld(t)
	port, control := w.port(), w.port()
	open := w.node("open", harness.Listener(port), []string{"--debug", "remote=true", "actions=true"})
	shut := w.node("shut", harness.Peer(port), []string{"--debug", "actions=true"})
	shut.Control = []string{fmt.Sprintf("tcplisten=127.0.0.1:%d", control)}
	w.up(open, shut)
	w.must(open.Sees(w.ctx, "shut"))
	w.must(shut.Sees(w.ctx, "open"))

	for _, args := range [][]string{{"tree"}, {"events"}, {"top", "-n", "1", "-i", "100ms"}} {
		w.ctl(shut, args...)
		w.ctl(shut, append(args, "--node", "open")...)
		for _, from := range [][]string{{"--socket", open.Socket}, {"--socket", fmt.Sprintf("tcp://127.0.0.1:%d", control)}} {
			line := append(append([]string{}, from...), args...)
			if strings.HasPrefix(from[1], open.Socket) {
				line = append(line, "--node", "shut")
			}
			_, complaints, code := w.run(programs.Receptorctl, line...)
			if code == 0 || !strings.Contains(complaints, "remote=true") {
				t.Errorf("%s: status %d, %s", strings.Join(line, " "), code, complaints)
			}
		}
	}
	const askLinks = `{"command":"status","requested_fields":["NodeID","Links","LinkTree"]}`
	here, err := shut.Ask(w.ctx, askLinks)
	if err != nil || !strings.Contains(here, `"Links"`) || !strings.Contains(here, `"LinkTree"`) {
		t.Errorf("at its own socket it tells of its links %s, %v", here, err)
	}
	if there, err := w.sessionTo(open, "shut", askLinks); err != nil || there != `{"NodeID":"shut"}` {
		t.Errorf("to the mesh it tells %s, %v", there, err)
	}
	w.ctl(shut, "act", "restart", "node/links")
	w.must(shut.Sees(w.ctx, "open"))
	_, err = w.sessionTo(shut, "open", `{"command":"act","action":"restart","path":"node/links"}`)
	if text := harness.ErrText(err); !strings.Contains(text, "Unix socket") {
		t.Errorf("an action over the mesh: %v", err)
	}
}

// sessionTo asks another node's control service over the mesh.
func (w *world) sessionTo(n *harness.Node, far, line string) (string, error) {
	w.t.Helper()
	s, err := harness.Dial(w.ctx, n.Socket)
	w.must(err)
	defer s.Close()
	_, err = s.Ask("connect " + far + " control")
	w.must(err)
	if banner, err := s.ReadLine(); err != nil || !strings.Contains(banner, far) {
		return banner, errors.Join(err, io.ErrUnexpectedEOF)
	}
	return s.Ask(line)
}
