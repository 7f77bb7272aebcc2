package control

import (
	"testing"

	workv1 "receptor/proto/work/v1"
)

func TestStandardErrorIsStreamed(t *testing.T) {
	live(t, nil, func(t *testing.T, w *world) {
		w.work.mu.Lock()
		for _, id := range []string{"unit1", "quiet"} {
			w.work.units[id] = &workv1.Status{UnitId: id}
		}
		w.work.mu.Unlock()
		c := w.client()
		c.ask("work stderr nosuch", "ERROR: unknown work unit nosuch")
		c.ask("work stderr quiet", "ERROR: unit quiet is of another kind")
		c.ask("work stderr unit1 7", "Streaming stderr for work unit unit1")
		c.expect("of unit1, follow true\n")
		c.expectEnd()
	})
}
