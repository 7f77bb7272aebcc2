//go:build linux

package netns

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"receptor/test/blackbox/harness"
	"receptor/test/netns/lab"
)

var (
	programs harness.Programs
	missing  string // why the tests can't run here
)

// TestMain runs the tests in namespaces of their own. The programs are those in
// the folder RECEPTOR_BIN, or are built.
func TestMain(m *testing.M) {
	run := outside
	if lab.Inside() {
		run = within
	}
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

const folderName = "RECEPTOR_BIN"

func outside(m *testing.M) (code int, err error) {
	if missing = lab.Missing(); missing != "" {
		return m.Run(), nil // all skip
	}
	if folder := os.Getenv(folderName); folder != "" {
		_, err := harness.FindPrograms(folder) // for the test cache
		if err != nil {
			return 1, err
		}
		return lab.Enter()
	}
	folder, err := os.MkdirTemp("", "receptor-bin-")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	if _, err := harness.BuildPrograms(context.Background(), folder); err != nil {
		return 1, err
	}
	return lab.Enter(folderName + "=" + folder)
}

func within(m *testing.M) (code int, err error) {
	if programs, err = harness.FindPrograms(os.Getenv(folderName)); err != nil {
		return 1, err
	}
	if err := lab.Furnish(context.Background()); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// world is a harness.World on a network of its own.
type world struct {
	*harness.World
	t   *testing.T
	ctx context.Context // ends with the test's patience
}

// newWorld is for a test that takes no longer than patience.
func newWorld(t *testing.T, patience time.Duration) *world {
	t.Helper()
	if missing != "" {
		t.Skip(missing)
	}
	// Not t.TempDir: the path of a Unix socket has room for 107 bytes.
	dir, err := os.MkdirTemp(lab.Scratch, "rcn-")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{World: harness.NewWorld(dir), t: t}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	w.ctx = ctx
	t.Cleanup(func() {
		defer cancel()
		stop, done := harness.StopContext()
		defer done()
		if err := errors.Join(w.SoundLogs(), w.Close(stop), os.RemoveAll(dir)); err != nil {
			t.Errorf("clear up: %v", err)
		}
	})
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// bridge makes a network for this test. Daemons are stopped before it goes.
func (w *world) bridge(hosts int) *lab.Bridge {
	w.t.Helper()
	b, err := lab.NewBridge(w.ctx, hosts)
	w.must(err)
	w.onNetwork(b)
	return b
}

// wire makes a network with delays for this test.
func (w *world) wire(hosts int) *lab.Wire {
	w.t.Helper()
	n, err := lab.NewWire(w.ctx, hosts)
	w.must(err)
	w.onNetwork(n)
	return n
}

// onNetwork has the network closed in the end, after all daemons on it.
func (w *world) onNetwork(n interface{ Close(context.Context) error }) {
	w.t.Cleanup(func() {
		stop, done := harness.StopContext()
		defer done()
		if err := errors.Join(w.Close(stop), n.Close(stop)); err != nil {
			w.t.Errorf("close the network: %v", err)
		}
	})
}

// on describes one of our daemons on a host. Number 3 is called n3.
func (w *world) on(h *lab.Host, args ...[]string) *harness.Node {
	n := w.Node(programs.Receptor, fmt.Sprintf("n%d", h.Number), harness.Join(args...)...)
	n.Args = append(n.Args, "--debug", "--log-level", "debug")
	n.Via = h.Exec()
	return n
}

// up starts daemons, one after the other, until each answers, and waits until
// each has a route to all others.
func (w *world) up(nodes ...*harness.Node) {
	w.t.Helper()
	for _, n := range nodes {
		w.must(n.Up(w.ctx))
	}
	for _, n := range nodes {
		for _, other := range nodes {
			if n != other {
				w.must(n.Sees(w.ctx, other.ID))
			}
		}
	}
}
