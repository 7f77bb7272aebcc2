package blackbox

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"receptor/test/blackbox/harness"
)

// Only units that this daemon made or loaded exist: whatever else is asked for, the
// disk is not looked at, and nobody waits for the answer.
func TestUnitsCopiedByHand(t *testing.T) {
	w := newWorld(t)
	foo := w.node("foo", []string{"--local-only"}, harness.Command("cat", "cat", ""))
	w.up(foo)
	unit, _, err := foo.Submit(w.ctx, harness.Work{Node: "foo", Type: "cat", Payload: strings.NewReader("once")})
	w.must(err)
	_, err = foo.Finished(w.ctx, unit)
	w.must(err)
	units := filepath.Join(foo.DataDir, "foo")
	w.must(os.CopyFS(filepath.Join(units, "copyCOPY"), os.DirFS(filepath.Join(units, unit))))
	for _, id := range []string{"copyCOPY", "../..", "..", "../" + "foo/" + unit, unit + "/."} {
		for _, command := range []string{"status", "cancel", "release", "force-release", "results"} {
			_, err := foo.Ask(w.ctx, "work "+command+" "+id)
			if !strings.HasPrefix(harness.ErrText(err), "unknown work unit") {
				t.Errorf("work %s %s: %v", command, id, err)
			}
		}
	}
	if locks, err := filepath.Glob(filepath.Join(foo.DataDir, "status.lock")); err != nil || len(locks) > 0 {
		t.Errorf("%v was made, %v", locks, err)
	}
	w.wantOutput(foo, unit, []byte("once"))

	w.must(foo.Kill())
	w.up(foo)
	w.wantOutput(foo, "copyCOPY", []byte("once")) // a daemon that starts takes what is there
}

// Results of a canceled unit end like those of others.
func TestResultsOfCanceledUnitsEnd(t *testing.T) {
	w := newWorld(t)
	foo := w.node("foo", []string{"--local-only"}, harness.Command("long", "sh", "-c 'echo begun; exec sleep 600'"))
	w.up(foo)
	unit, _, err := foo.Submit(w.ctx, harness.Work{Node: "foo", Type: "long"})
	w.must(err)
	var during, after bytes.Buffer
	read := make(chan error, 1)
	go func() {
		_, err := foo.Results(w.ctx, unit, 0, &during)
		read <- err
	}()
	w.must(harness.Until(w.ctx, "output", func() error {
		if size, err := foo.Output(unit); err != nil || size == 0 {
			return fmt.Errorf("%d bytes, %w", size, err)
		}
		return nil
	}))
	_, err = foo.Ask(w.ctx, "work cancel "+unit)
	w.must(err)
	w.must(<-read)
	_, err = foo.Results(w.ctx, unit, 0, &after)
	w.must(err)
	if during.String() != "begun\n" || after.String() != "begun\n" {
		t.Errorf("%q, then %q", &during, &after)
	}
	u, err := foo.Unit(w.ctx, unit)
	if err != nil || u.State != harness.Canceled || u.StdoutSize != int64(len("begun\n")) {
		t.Errorf("%+v, %v", u, err)
	}
}

// A submit that is refused at once leaves neither unit nor folder.
func TestRefusedSubmitsLeaveNothing(t *testing.T) {
	w := newWorld(t)
	foo := w.node("foo", []string{"--local-only"}, harness.Command("cat", "cat", ""))
	w.up(foo)
	for _, c := range []struct {
		work harness.Work
		want string
	}{
		{harness.Work{Node: "bar", Type: "cat", TTL: "abc"}, `time: invalid duration "abc"`},
		{harness.Work{Node: "foo", Type: "cat", Params: "-n"}, "extra params provided but not allowed"},
		{harness.Work{Node: "foo", Type: "nope"}, "unknown work type nope"},
		{harness.Work{Node: "foo", Type: "remote"}, "unknown work type remote"},
	} {
		if _, _, err := foo.Submit(w.ctx, c.work); !strings.Contains(harness.ErrText(err), c.want) {
			t.Errorf("%+v: %v, want %q", c.work, err, c.want)
		}
	}
	if answer, err := foo.Ask(w.ctx, "work list"); err != nil || answer != "{}" {
		t.Errorf("the list is %s, %v", answer, err)
	}
	if dirs, err := filepath.Glob(filepath.Join(foo.DataDir, "foo", "*", "*")); err != nil || len(dirs) > 0 {
		t.Errorf("left are %v, %v", dirs, err)
	}
}

// Signing needs no lifetime of tokens: there is one.
func TestSigningWithoutALifetime(t *testing.T) {
	w := newWorld(t)
	private, public := w.signingKeys()
	port := w.port()
	b := w.node("b", harness.Listener(port), []string{"--work-verification", "publickey=" + public},
		append(harness.Command("secure", "cat", ""), "verifysignature=true"))
	a := w.node("a", harness.Peer(port), []string{"--work-signing", "privatekey=" + private})
	w.up(b, a)
	w.must(a.Sees(w.ctx, "b"))
	unit, _, err := a.Submit(w.ctx, harness.Work{Node: "b", Type: "secure", Payload: strings.NewReader("signed"), Sign: true})
	w.must(err)
	if u, err := a.Finished(w.ctx, unit); err != nil || u.State != harness.Succeeded {
		t.Errorf("%+v, %v", u, err)
	}
	w.released(a, unit)
}

// However many units there are and have been, one file watcher serves them all.
func TestFileWatchersAreFew(t *testing.T) {
	w := newWorld(t)
	foo := w.node("foo", []string{"--local-only"}, harness.Command("cat", "cat", ""), harness.Command("long", "sleep", "600"))
	w.up(foo)
	before := w.openFiles(foo, "")
	var units []string
	for i := range 20 {
		kind := []string{"cat", "long"}[i%2]
		unit, _, err := foo.Submit(w.ctx, harness.Work{Node: "foo", Type: kind})
		w.must(err)
		units = append(units, unit)
	}
	if n := w.openFiles(foo, "inotify"); n > 1 {
		t.Errorf("%d file watchers for 20 units", n)
	}
	for _, unit := range units {
		_, err := foo.Ask(w.ctx, "work release "+unit)
		w.must(err)
	}
	w.must(harness.Until(w.ctx, "files to be closed", func() error {
		if n := w.openFiles(foo, ""); n > before+2 { // the watcher, and what it is waited for with
			return fmt.Errorf("%d files are open, %d before", n, before)
		}
		return nil
	}))
}

// openFiles counts the open files of a daemon whose name contains a text.
func (w *world) openFiles(n *harness.Node, text string) int {
	w.t.Helper()
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", n.PID()))
	w.must(err)
	count := 0
	for _, link := range links {
		if name, err := os.Readlink(link); err == nil && strings.Contains(name, text) {
			count++
		}
	}
	return count
}
