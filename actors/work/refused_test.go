package work

import (
	"strings"
	"testing"

	"receptor/actors/work/unit"
	workv1 "receptor/proto/work/v1"
)

// A node that keeps the results from us has a reason: a key, or a clock. It is shown
// until somebody has mended that.
func TestRefusedResultsAreSaid(t *testing.T) {
	for _, old := range []bool{false, true} {
		withBar(t, func(w *world, bar *fakeNode) {
			const no = "could not verify signature: token is expired by 1h0m0s"
			bar.old, bar.keep = old, no
			id := w.far("x", started)
			bar.unit(func(u *fakeUnit) { u.out = []byte("out"); succeed(u) })
			s := w.awaitStatus(id, func(s *workv1.Status) bool { return strings.Contains(s.GetDetail(), no) })
			if unit.State(s.GetState()).Final() {
				t.Errorf("ended as %v", s)
			}
			bar.change(func() { bar.keep = "" })
			w.final(id, unit.Succeeded, "exit status 0")
			if got := w.results(id, 0); got != "out" {
				t.Errorf("results %q", got)
			}
		})
	}
}
