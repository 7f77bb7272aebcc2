package blackbox

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"testing"
	"time"

	"receptor/test/blackbox/harness"
)

// The counting unit prints blocks of 1024 numbered lines of 64 bytes, one block
// every blockPause seconds: 5 MB in all.
const (
	countBlocks = 80
	countPause  = "0.15"
	countBytes  = countBlocks * 1024 * 64
)

func counting() []string {
	script := fmt.Sprintf(`-c "i=0; while [ $i -lt %d ]; do seq -f %%063.0f $((i*1024+1)) $((i*1024+1024)); i=$((i+1)); sleep %s; done"`,
		countBlocks, countPause)
	return harness.Command("count", "sh", script)
}

func countOutput() []byte {
	var want bytes.Buffer
	for i := 1; i <= countBlocks*1024; i++ {
		fmt.Fprintf(&want, "%063d\n", i)
	}
	return want.Bytes()
}

// Whichever daemon dies, the unit goes on and its output is complete.
func TestUnitSurvivesKillOfEachDaemon(t *testing.T) {
	w := newWorld(t)
	a, b, c := w.chain(counting(), []string{"--debug"})
	unit, _, err := a.Submit(w.ctx, harness.Work{Node: "c", Type: "count"})
	w.must(err)
	w.grows(a, unit)
	for _, n := range []*harness.Node{b, c, a} {
		start := time.Now()
		w.must(n.Kill())
		w.must(n.Up(w.ctx))
		w.grows(a, unit)
		t.Logf("kill -9 of %s: output goes on %v after it", n.ID, time.Since(start).Round(time.Millisecond))
	}
	u, err := a.Finished(w.ctx, unit)
	w.must(err)
	if u.State != harness.Succeeded || u.StdoutSize != countBytes {
		t.Errorf("the unit is %s (%s), %d bytes", u.StateName, u.Detail, u.StdoutSize)
	}
	w.wantOutput(a, unit, countOutput())
	w.released(a, unit)
}

// A reader of the results sees the same bytes when its own daemon is not the one
// that dies.
func TestResultsFlowThroughKillOfTheMiddle(t *testing.T) {
	w := newWorld(t)
	a, b, _ := w.chain(counting())
	unit, _, err := a.Submit(w.ctx, harness.Work{Node: "c", Type: "count"})
	w.must(err)
	var got bytes.Buffer
	done := make(chan error, 1)
	go func() {
		_, err := a.Results(w.ctx, unit, 0, &got)
		done <- err
	}()
	w.grows(a, unit)
	w.must(b.Kill())
	w.must(b.Up(w.ctx))
	w.must(<-done)
	wantBytes(t, got.Bytes(), countOutput())
	w.released(a, unit)
}

// grows waits until the output of a unit that is known here has grown by a
// tenth, or is complete.
func (w *world) grows(n *harness.Node, unit string) {
	w.t.Helper()
	start := int64(-1)
	w.must(harness.Until(w.ctx, "output of "+unit+" on "+n.ID, func() error {
		size, err := n.Output(unit)
		if err != nil {
			return err
		}
		if start < 0 {
			start = size
		}
		if size < min(start+countBytes/10, countBytes) {
			return fmt.Errorf("%d bytes, %d at the start", size, start)
		}
		return nil
	}))
}

// wantOutput reads the results from the start and from an offset.
func (w *world) wantOutput(n *harness.Node, unit string, want []byte) {
	w.t.Helper()
	for _, offset := range []int64{0, int64(len(want) / 3)} {
		var got bytes.Buffer
		_, err := n.Results(w.ctx, unit, offset, &got)
		w.must(err)
		wantBytes(w.t, got.Bytes(), want[offset:])
	}
}

func wantBytes(t *testing.T, got, want []byte) {
	t.Helper()
	if sha256.Sum256(got) == sha256.Sum256(want) {
		return
	}
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	t.Errorf("%d bytes, want %d; they differ from byte %d: %.64q", len(got), len(want), at, got[at:])
}

// released releases a unit here, and what it left elsewhere.
func (w *world) released(n *harness.Node, unit string) {
	w.t.Helper()
	answer, err := n.Ask(w.ctx, "work release "+unit)
	w.must(err)
	if answer != fmt.Sprintf(`{"released":%q}`, unit) {
		w.t.Errorf("release answered %s", answer)
	}
	if _, err := n.Results(w.ctx, unit, 0, io.Discard); harness.ErrText(err) != "unknown work unit "+unit {
		w.t.Errorf("results after release: %v", err)
	}
}
