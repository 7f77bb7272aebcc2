package blackbox

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"receptor/test/blackbox/harness"
)

// What can't be put in force changes nothing, and says why.
func TestARefusedReloadChangesNothing(t *testing.T) {
	w := newWorld(t)
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	w.must(err)
	defer taken.Close()
	port := w.port()
	listener := fmt.Sprintf("tcp-listener: {bindaddr: 127.0.0.1, port: %d}", port)
	a := w.configured("a", fmt.Sprintf(`tcp-peer: {address: "127.0.0.1:%d"}`, port))
	b := w.configured("b", listener, "work-command: {worktype: cat, command: cat}")
	w.up(b.Node, a.Node)
	w.must(a.Sees(w.ctx, "b"))
	w.must(b.Sees(w.ctx, "a"))
	before := b.actors("node/")
	control := fmt.Sprintf("control-service: {filename: %s}", b.Socket)
	node := fmt.Sprintf("node: {id: b, datadir: %s}", b.DataDir)

	for _, tc := range []struct {
		name  string
		items []string
		code  int
		want  []string
	}{
		{"not YAML", []string{node, "[", "debug"}, 4, []string{"error loading config file", b.ConfigFile}},
		{"unknown item", []string{node, "tcp-pear: {address: x}"}, 4, []string{"tcp-pear", "tcp-peer"}},
		{"bad value", []string{node, control, `tcp-peer: {address: "h:1", cost: -1}`}, 4, []string{"cost must be positive"}},
		{"certificate that is not there", []string{node, control, "tls-server: {name: s, cert: /none, key: /none}"}, 4, []string{"/none"}},
		{"TLS that is not there", []string{node, control, "tcp-listener: {port: 0, tls: none}"}, 4, []string{"none"}},
		{"port taken", []string{
			node, "debug", control, "work-command: {worktype: date, command: date}",
			"tcp-listener: {bindaddr: 127.0.0.1, port: 0}", fmt.Sprintf("tcp-listener: {bindaddr: 127.0.0.1, port: %d}", taken.Addr().(*net.TCPAddr).Port),
		}, 4, []string{taken.Addr().String(), "address already in use"}},
		{"other node ID", []string{fmt.Sprintf("node: {id: z, datadir: %s}", b.DataDir), control}, 3, []string{"'node'", "id is b", "z"}},
		{"other folder", []string{"node: {id: b, datadir: /elsewhere}", control}, 3, []string{"datadir is " + b.DataDir, "/elsewhere"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := configured{b.Node, w.in(t)}
			c.raw(nil, tc.items...)
			c.refuses(tc.code, tc.want...)
			if now := c.actors("node/"); !maps.Equal(withoutClients(now), withoutClients(before)) {
				t.Errorf("there were %v, now there are %v", slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(now)))
			}
			w.in(t).advertises(a.Node, "b", []string{"control"}, []string{"cat"})
		})
	}
	w.must(os.Remove(b.ConfigFile))
	b.refuses(4, "no such file", b.ConfigFile)
}

// withoutClients leaves the control connections out, which are those of the test.
func withoutClients(actors map[string]bool) map[string]bool {
	rest := maps.Clone(actors)
	maps.DeleteFunc(rest, func(path string, _ bool) bool { return strings.Contains(path, ".sock/") })
	return rest
}

// Two listeners of one port can't be open at a time. The new one takes the old one's
// place; if it can't, the old one comes back.
func TestReloadTakesAPortOver(t *testing.T) {
	w := newWorld(t)
	port := w.port()
	peer := func(kind, addr string) string { return fmt.Sprintf(`%s: {address: "%s"}`, kind, addr) }
	a := w.configured("a", peer("tcp-peer", local(port)))
	at := func(kind, addr string) string { return fmt.Sprintf("%s: {bindaddr: %s, port: %d}", kind, addr, port) }
	b := w.configured("b", at("tcp-listener", "127.0.0.1"))
	w.up(b.Node, a.Node)
	w.must(a.Sees(w.ctx, "b"))

	b.become(at("tcp-listener", "0.0.0.0"))
	w.must(harness.Until(w.ctx, "the link to the other listener", func() error {
		if len(b.actors("node/links/tcp-listener:[::]:")) < 2 {
			return fmt.Errorf("links: %v", b.actors("node/links/"))
		}
		return nil
	}))
	b.become(at("ws-listener", "127.0.0.1"))
	a.become(peer("ws-peer", "ws://"+local(port)))
	w.must(a.Sees(w.ctx, "b"))

	other, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.2:%d", port))
	w.must(err)
	defer other.Close()
	b.write(at("ws-listener", "0.0.0.0"))
	b.refuses(4, "address already in use")
	w.must(harness.Until(w.ctx, "the link to come back", func() error {
		if len(b.actors("node/links/ws-listener:127.0.0.1:")) < 2 {
			return fmt.Errorf("links: %v", b.actors("node/links/"))
		}
		return nil
	}))
	w.must(a.Sees(w.ctx, "b"))
}

func TestDryRunAndSignal(t *testing.T) {
	w := newWorld(t)
	port := w.port()
	listener := fmt.Sprintf("tcp-listener: {bindaddr: 127.0.0.1, port: %d}", port)
	n := w.configured("n", "local-only", "work-command: {worktype: old, command: cat}", "work-command: {worktype: same, command: cat}")
	w.up(n.Node)
	before := n.actors("node/links/")
	n.write("local-only", listener, "work-command: {worktype: same, command: cat, params: -u}")
	want := fmt.Sprintf("- work/old\n~ work/same (params)\n+ links/tcp-listener:127.0.0.1:%d\n", port)
	if got := w.ctl(n.Node, "reload", "--dry-run"); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if now := n.actors("node/links/"); !maps.Equal(now, before) {
		t.Errorf("a dry run did something: %v", now)
	}
	hangUp := func() { w.must(syscall.Kill(n.PID(), syscall.SIGHUP)) }
	hangUp()
	w.logHas(n.Node, "reload successful")
	w.must(w.dial("tcp4", local(port)).Close())
	if got := w.ctl(n.Node, "reload", "--dry-run"); got != "Nothing would change\n" {
		t.Errorf("after the reload: %q", got)
	}
	n.write("tcp-pear: {}")
	hangUp()
	w.logLineHas(n.Node, "WARNING", "Reload not successful", "tcp-pear")
	n.raw([]string{"node: {id: z, datadir: " + n.DataDir + "}", fmt.Sprintf("control-service: {filename: %s}", n.Socket)})
	_, stderr, code := w.run(programs.Receptorctl, "--socket", n.Socket, "reload", "--dry-run")
	if code != 3 || !strings.Contains(stderr, "would become z") {
		t.Errorf("a dry run of another node: exit status %d, %q", code, stderr)
	}
	hangUp()
	w.logLineHas(n.Node, "WARNING", "Reload not successful", "would become z", "Must restart")
}

// The socket through which the reload is asked for can change, too: the client gets
// its answer.
func TestReloadOfTheOwnControlService(t *testing.T) {
	w := newWorld(t)
	n := w.configured("n", "local-only")
	w.up(n.Node)
	idle, err := harness.Dial(w.ctx, n.Socket)
	w.must(err)
	defer idle.Close()
	moved := filepath.Join(w.Dir, "moved.sock")
	own := func(file, mode string) []string {
		return []string{fmt.Sprintf("node: {id: n, datadir: %s}", n.DataDir), "debug", "local-only",
			fmt.Sprintf("control-service: {filename: %s, permissions: %s}", file, mode)}
	}
	n.raw(own(n.Socket, "0640"))
	w.ctl(n.Node, "reload")
	info, err := os.Stat(n.Socket)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the socket: %v, %v", info, err)
	}
	if _, err := idle.ReadLine(); !errors.Is(err, io.EOF) {
		t.Errorf("a client that waits for nothing: %v", err)
	}
	n.raw(own(moved, "0600"))
	w.ctl(n.Node, "reload")
	if _, err := os.Stat(n.Socket); !os.IsNotExist(err) {
		t.Errorf("the old socket: %v", err)
	}
	n.Socket = moved
	if got := w.ctl(n.Node, "reload", "--dry-run"); got != "Nothing would change\n" {
		t.Errorf("by the new socket: %q", got)
	}
}
