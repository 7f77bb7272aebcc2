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

// runnerOf is the program that stands between a daemon and its commands.
func (w *world) runnerOf(n *harness.Node) (string, error) {
	unit, _, err := n.Submit(w.ctx, harness.Work{Node: n.ID, Type: "parent"})
	if err != nil {
		return "", err
	}
	if _, err := n.Finished(w.ctx, unit); err != nil {
		return "", err
	}
	var out bytes.Buffer
	_, err = n.Results(w.ctx, unit, 0, &out)
	return strings.TrimSpace(out.String()), err
}

// A daemon uses the small runner beside it, and does without: replacing the one
// program that the existing system has is enough.
func TestCommandsHaveASmallRunner(t *testing.T) {
	w := newWorld(t)
	parent := []string{"--work-command", "worktype=parent", "command=sh", `params=-c 'readlink /proc/$PPID/exe'`}
	foo := w.node("foo", []string{"--local-only"}, parent)
	alone := filepath.Join(w.Dir, "receptor")
	text, err := os.ReadFile(programs.Receptor)
	w.must(err)
	w.must(os.WriteFile(alone, text, 0o700)) //nolint:gosec // a program
	bar := w.Node(alone, "bar", harness.Join([]string{"--local-only"}, parent)...)
	w.up(foo, bar)

	small := filepath.Join(filepath.Dir(programs.Receptor), "receptor-runner")
	w.must(harness.Until(w.ctx, "the small runner", func() error {
		got, err := w.runnerOf(foo)
		if err == nil && got != small {
			err = fmt.Errorf("commands are run by %q, not by %s", got, small)
		}
		return err
	}))
	if got, err := w.runnerOf(bar); err != nil || got != alone {
		t.Errorf("commands of a daemon without a small runner are run by %q, %v", got, err)
	}
}
