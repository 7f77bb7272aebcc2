package work

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"receptor/actors/supervise"
	"receptor/actors/work/unit"
	supervisev1 "receptor/proto/supervise/v1"
	workv1 "receptor/proto/work/v1"
)

// under puts other terms in force while the family runs.
func (w *world) under(terms Terms) {
	w.Helper()
	w.cfg.Live.Store(terms)
	if m, ok := w.stage.Ask(w, w.pid, &supervisev1.Reconcile{}).(*supervisev1.Reconciled); !ok {
		w.Fatalf("answer %T", m)
	}
}

func (w *world) refusal(kind string) string {
	return w.submit(&workv1.Submit{Node: "foo", WorkType: kind}).GetRefused().GetText()
}

// A unit that runs goes on when its type changes or goes; new ones meet the new type.
func TestTermsChangeWhileUnitsRun(t *testing.T) {
	onStage(t, func(w *world) {
		over := filepath.Join(t.TempDir(), "over")
		slow := CommandType{Type: "slow", Command: "sh", Params: fmt.Sprintf(`-c 'until test -e %s; do sleep 0.02; done; echo old'`, over)}
		w.cfg.Live = supervise.NewLive(Terms{Types: []CommandType{slow}})
		w.up()
		changed, removed := w.run("slow", "", ""), w.run("slow", "", "")
		w.awaitStatus(changed, running)
		w.awaitStatus(removed, running)

		slow.Params = `-c 'echo new'`
		w.under(Terms{Types: []CommandType{slow, {Type: "cat", Command: "cat"}}})
		fresh := w.run("slow", "", "")
		w.final(fresh, unit.Succeeded, "exit status 0")
		if got := w.results(fresh, 0); got != "new\n" {
			t.Errorf("the changed type says %q", got)
		}
		w.under(Terms{Types: []CommandType{{Type: "cat", Command: "cat"}}})
		if no := w.refusal("slow"); no != "unknown work type slow" {
			t.Errorf("refused with %q", no)
		}
		if err := os.WriteFile(over, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{changed, removed} {
			w.final(id, unit.Succeeded, "exit status 0")
			if got := w.results(id, 0); got != "old\n" {
				t.Errorf("%s says %q", id, got)
			}
		}
		w.under(Terms{Types: []CommandType{{Type: "cat", Command: "cat"}}, MinFreeDisk: 1 << 60})
		if no := w.refusal("cat"); no == "" {
			t.Error("the disk is never full")
		}
	})
}

// A limit that comes counts what runs already, one that grows lets the next begin,
// and who waits for a type that has gone fails.
func TestLimitsChangeWhileUnitsWait(t *testing.T) {
	onStage(t, func(w *world) {
		over := filepath.Join(t.TempDir(), "over")
		slow := CommandType{Type: "slow", Command: "sh", Params: fmt.Sprintf(`-c 'until test -e %s; do sleep 0.02; done'`, over)}
		limited := func(n int) Terms {
			t := slow
			t.Limits = Limits{MaxConcurrent: n}
			return Terms{Types: []CommandType{t}}
		}
		w.cfg.Live = supervise.NewLive(Terms{Types: []CommandType{slow}})
		w.up()
		first := w.run("slow", "", "")
		w.awaitStatus(first, running)
		w.under(limited(1))
		second, third, fourth := w.run("slow", "", ""), w.run("slow", "", ""), w.run("slow", "", "")
		w.waits(second, 1)
		w.waits(third, 2)
		w.under(limited(2))
		w.awaitStatus(second, running)
		w.waits(third, 1)
		w.under(Terms{Types: []CommandType{slow}})
		w.awaitStatus(third, running)
		w.awaitStatus(fourth, running)
		w.under(limited(1))
		late := w.run("slow", "", "")
		w.waits(late, 1)
		w.under(Terms{})
		w.final(late, unit.Failed, "Failed to start command runner: unknown work type slow")
		if err := os.WriteFile(over, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{first, second, third, fourth} {
			w.final(id, unit.Succeeded, "exit status 0")
		}
	})
}
