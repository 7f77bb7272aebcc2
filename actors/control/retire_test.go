package control

import (
	"context"
	"net"
	"path/filepath"
	"testing"

	"receptor/actors/control/command"
	"receptor/test/probe"

	supervisev1 "receptor/proto/supervise/v1"
)

// A listener that is not wanted any more lets its clients finish, above all the one
// that asked for that.
func TestAClientGetsItsAnswerFromAListenerThatGoes(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		moved := filepath.Join(t.TempDir(), "moved")
		var w *world
		w = newWorld(t, s, func(cfg *Config) {
			cfg.Reload = func(context.Context, bool) ([]command.Change, error) {
				cfg.Listeners.Store([]Listener{{Name: "unix", Version: 1, Trusted: true, Binding: ListenUnix(moved, 0o600)}})
				s.Ask(t, w.pid, &supervisev1.Reconcile{})
				return nil, nil
			}
		})
		idle, busy, asks := w.client(), w.client(), w.client()
		busy.send("ping slow\n")
		eventually(t, func() bool { return len(s.Tree(t, w.pid).GetChildren()[0].GetChildren()) == 3 })
		asks.ask("reload", `{"Success":true}`)
		asks.expectEnd()
		idle.expectEnd()
		eventually(t, func() bool { // it opens its socket by itself
			c, err := net.Dial("unix", moved) // its file is there before it listens
			if err == nil {
				err = c.Close()
			}
			return err == nil
		})
		dial(t, "unix", moved).expect("Receptor Control, node foo\n")
		eventually(t, func() bool { // the one whose ping is under way
			children := s.Tree(t, w.pid).GetChildren()
			return len(children) == 2 && len(children[0].GetChildren()) == 1
		})
		busy.close()
	})
}
