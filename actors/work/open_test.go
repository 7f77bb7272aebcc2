package work

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"receptor/actors/supervise"
	"receptor/actors/work/unit"
	workv1 "receptor/proto/work/v1"
)

// What can't be read now may be readable soon: the family tries again and says why,
// and what was asked meanwhile is answered then.
func TestUnreadableDataDirectory(t *testing.T) {
	onStage(t, func(w *world) {
		w.stage.AllowError("units of work can't be read")
		loop := filepath.Join(w.cfg.DataDir, w.cfg.NodeID)
		if err := os.Symlink(loop, loop); err != nil { // also root can't follow it
			t.Fatal(err)
		}
		w.pid = w.stage.Spawn(supervise.Spec{Name: "work", Kind: "family", New: New(w.cfg), Supervises: true})
		w.until("the family has failed more than once", func() bool {
			a := w.stage.Tree(t, w.pid)
			return a.GetRestarts() > 1 && strings.Contains(a.GetLastFailure(), loop)
		})
		if err := os.Remove(loop); err != nil {
			t.Fatal(err)
		}
		w.final(w.run("cat", "", "abc"), unit.Succeeded, "exit status 0")
	})
}

// A path to the units that leads through a file is no reason to fail: a node may
// have no work. Who submits is told.
func TestDataDirectoryBelowAFile(t *testing.T) {
	onStage(t, func(w *world) {
		file := filepath.Join(w.cfg.DataDir, "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		w.cfg.DataDir = filepath.Join(file, "data")
		w.up()
		got := w.submit(&workv1.Submit{Node: "foo", WorkType: "cat"}).GetRefused().GetText()
		if !strings.Contains(got, file) || !strings.Contains(got, "not a directory") {
			t.Errorf("refused with %q", got)
		}
	})
}

// A disk that stops answering, like a mount that is gone, must not keep the family
// looking for a free ID for ever.
func TestDataDirectoryThatStopsAnswering(t *testing.T) {
	onStage(t, func(w *world) {
		w.up()
		loop := filepath.Join(w.cfg.DataDir, w.cfg.NodeID)
		if err := os.Symlink(loop, loop); err != nil {
			t.Fatal(err)
		}
		got := w.submit(&workv1.Submit{Node: "foo", WorkType: "cat"}).GetRefused().GetText()
		if !strings.Contains(got, "could not create work unit") || !strings.Contains(got, loop) {
			t.Errorf("refused with %q", got)
		}
	})
}
