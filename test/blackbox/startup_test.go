package blackbox

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"receptor/test/blackbox/harness"
)

// Errors at start-up: a clear text that names the cause, and a non-zero exit.
func TestStartUpErrors(t *testing.T) {
	w := newWorld(t)
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	w.must(err)
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	yaml := w.file("bad.yml", "- node:\n    id: foo\n  - nonsense: [\n")
	unknown := w.file("unknown.yml", "- node:\n    id: foo\n- tcp-lisener:\n    port: 1\n")

	cases := []struct {
		name string
		args []string
		want []string
	}{
		{"unknown action", []string{"--tcp-lisener", "port=1"}, []string{"unknown config type tcp-lisener", "tcp-listener"}},
		{"unknown parameter", []string{"--tcp-listener", "prot=1"}, []string{"unknown field name prot", "port"}},
		{"parameter first", []string{"id=foo"}, []string{"parameter specified before command"}},
		{"missing parameter", []string{"--node", "id=foo", "--tcp-peer"}, []string{"required parameter missing: address"}},
		{"missing file name", []string{"--config"}, []string{"--config"}},
		{"missing file", []string{"--config", "/no/such.yml"}, []string{"/no/such.yml", "no such file"}},
		{"broken YAML", []string{"--config", yaml}, []string{"error loading config file", "yaml: line ", yaml}},
		{"unknown action in YAML", []string{"--config", unknown}, []string{"tcp-lisener", "tcp-listener"}},
		{"ill-typed number", []string{"--tcp-listener", "port=abc"}, []string{"port", `"abc"`}},
		{"ill-typed bool", []string{"--tcp-peer", "address=a:1", "redial=maybe"}, []string{"redial", "maybe"}},
		{"port out of range", []string{"--tcp-listener", "port=99999"}, []string{"99999"}},
		{"cost of nothing", []string{"--tcp-peer", "address=a:1", "cost=0"}, []string{"cost must be positive"}},
		{"twice", []string{"--node", "id=foo", "--node", "id=bar"}, []string{"node", "only allowed once"}},
		{
			"two types of one name",
			harness.Join([]string{"--local-only"}, harness.Command("cat", "cat", ""), harness.Command("cat", "cat", "")),
			[]string{"work type cat already registered"},
		},
		{
			"port in use",
			harness.Join([]string{"--node", "id=foo", "datadir=" + w.Dir}, harness.Listener(port)),
			[]string{fmt.Sprintf("127.0.0.1:%d", port), "address already in use"},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w.in(t).refuses(c.want, c.args...)
		})
	}
}

func TestNothingToDoIsAnError(t *testing.T) {
	w := newWorld(t)
	stdout, _, code := w.run(programs.Receptor, "--node", "id=foo", "datadir="+w.Dir)
	if code == 0 || !strings.Contains(stdout, "no backends are running") || !strings.Contains(stdout, "--help") {
		t.Errorf("exit status %d, %q", code, stdout)
	}
}

// refuses wants a start to fail with a text that holds all of these.
func (w *world) refuses(want []string, args ...string) {
	w.t.Helper()
	stdout, stderr, code := w.run(programs.Receptor, args...)
	text := stdout + stderr
	if code == 0 || !strings.Contains(text, "Error: ") {
		w.t.Errorf("exit status %d, %q", code, text)
	}
	for _, part := range want {
		if !strings.Contains(text, part) {
			w.t.Errorf("nothing of %q in %q", part, text)
		}
	}
	if strings.Contains(text, "goroutine ") {
		w.t.Errorf("a crash:\n%s", text)
	}
}

func (w *world) file(name, text string) string {
	w.t.Helper()
	path := filepath.Join(w.Dir, name)
	w.must(os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestSocketPathInUse(t *testing.T) {
	w := newWorld(t)
	foo := w.node("foo", []string{"--local-only"})
	w.up(foo)
	w.refuses([]string{"Error: error opening Unix socket: could not acquire lock on socket file"}, "--node", "id=bar", "datadir="+foo.DataDir, "--local-only",
		"--control-service", "filename="+foo.Socket)
	if _, err := foo.Status(w.ctx); err != nil {
		t.Errorf("the first daemon is hurt: %v", err)
	}
}

// Two nodes of one ID and data folder would answer for the same units: the second one
// does not start, also where it has a socket of its own, and the first one's units
// stay what they are.
func TestDataFolderInUse(t *testing.T) {
	w := newWorld(t)
	foo := w.node("foo", []string{"--local-only"}, harness.Command("date", "date", ""), harness.Command("wait", "sleep", "1000"))
	w.up(foo)
	done, runs := w.gives(foo, "date"), w.gives(foo, "wait")
	_, err := foo.Finished(w.ctx, done)
	w.must(err)
	w.must(harness.Until(w.ctx, "the unit to run", func() error {
		if u, err := foo.Unit(w.ctx, runs); err != nil || u.StateName != "Running" {
			return fmt.Errorf("%v, %w", u, err)
		}
		return nil
	}))
	before := w.ctl(foo, "work", "list", "--json")
	epoch, err := os.ReadFile(epochFile(foo))
	w.must(err)
	for range 2 {
		w.refuses([]string{"another receptor has the data folder " + filepath.Join(foo.DataDir, "foo"), "another node ID or datadir"},
			"--node", "id=foo", "datadir="+foo.DataDir, "--local-only", "--control-service", "filename="+filepath.Join(w.Dir, "second.sock"))
	}
	if _, err := os.Lstat(filepath.Join(w.Dir, "second.sock")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the second one's socket: %v", err)
	}
	if again, err := os.ReadFile(epochFile(foo)); err != nil || string(again) != string(epoch) {
		t.Errorf("the epoch was %s and is %s, %v", epoch, again, err)
	}
	if after := w.ctl(foo, "work", "list", "--json"); after != before {
		t.Errorf("units were\n%sand are\n%s", before, after)
	}
	// A daemon that is killed leaves no obstacle, nor does what it has started.
	w.must(foo.Kill())
	w.up(foo)
	w.ctl(foo, "work", "release", done, runs)
}

// What stands at the socket's path and is no socket is never deleted.
func TestSocketPathIsNoSocket(t *testing.T) {
	w := newWorld(t)
	file := w.file("precious", "do not touch")
	folder := filepath.Join(w.Dir, "folder")
	w.must(os.Mkdir(folder, 0o700))
	inside := w.file("folder/precious", "nor this")
	for _, path := range []string{file, folder} {
		w.refuses([]string{path, "not a socket"}, "--node", "id=foo", "datadir="+w.Dir, "--local-only",
			"--control-service", "filename="+path)
	}
	for path, want := range map[string]string{file: "do not touch", inside: "nor this"} {
		if text, err := os.ReadFile(path); err != nil || string(text) != want {
			t.Errorf("%s: %q, %v", path, text, err)
		}
	}
}

// A socket that a killed daemon left behind is no obstacle.
func TestStaleSocketIsReplaced(t *testing.T) {
	w := newWorld(t)
	foo := w.node("foo", []string{"--local-only"})
	w.up(foo)
	w.must(foo.Kill())
	if _, err := os.Stat(foo.Socket); err != nil {
		t.Fatalf("kill -9 leaves the socket: %v", err)
	}
	w.up(foo)
}

// An unreachable peer is not an error at start-up: the link's record shows it.
func TestUnreachablePeerIsSeenInTheTree(t *testing.T) {
	w := newWorld(t)
	foo := w.node("foo", harness.Peer(w.port()), []string{"--debug"})
	w.up(foo)
	w.must(harness.Until(w.ctx, "the failure in the tree", func() error {
		text := w.ctl(foo, "tree")
		if !strings.Contains(text, "connection refused") || !strings.Contains(text, "restarting") {
			return fmt.Errorf("tree:\n%s", text)
		}
		return nil
	}))
}
