package work

import (
	"strings"
	"testing"

	"receptor/actors/work/unit"
)

func TestOldNodesKeepNoStandardError(t *testing.T) {
	withBar(t, func(w *world, bar *fakeNode) {
		bar.old = true
		id := w.far("x", started)
		bar.unit(succeed)
		w.final(id, unit.Succeeded, "exit status 0")
		_, err := w.cfg.Feeds.OpenErrors(t.Context(), id, 0, true)
		if err == nil || !strings.Contains(err.Error(), "node bar does not keep standard error apart") {
			t.Errorf("got %v", err)
		}
	})
}
