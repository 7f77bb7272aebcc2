package blackbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"receptor/test/blackbox/harness"
)

// soaks reports whether there is time for the long version of a test.
func soaks() bool { return os.Getenv(soakVariable) != "" }

// Ten thousand small units, here a few of them if there is no time: each is executed
// once, survives a restart, can be listed, and is gone when it is released.
func TestTenThousandUnits(t *testing.T) {
	count, limit := 200, patience
	if soaks() {
		count, limit = 10_000, 30*time.Minute
	}
	t.Parallel()
	w := newLoneWorld(t, limit)
	marks := filepath.Join(w.Dir, "marks")
	port := w.port()
	b := w.node("b", harness.Listener(port), harness.Command("mark", "sh", fmt.Sprintf("-c 'echo x >>%s; cat'", marks)))
	a := w.node("a", harness.Peer(port))
	w.up(b, a)
	w.must(a.Sees(w.ctx, "b"))
	start := time.Now()
	w.must(manyUnits(w.ctx, a, count))
	w.must(harness.Until(w.ctx, "all units to succeed", func() error { return succeeded(w.ctx, a, count) }))
	t.Logf("%d units in %v", count, time.Since(start).Round(time.Millisecond))

	for _, n := range []*harness.Node{a, b} {
		w.must(n.Kill())
		start := time.Now()
		w.must(n.Up(w.ctx))
		w.must(succeeded(w.ctx, n, count))
		t.Logf("%s is back after %v, and lists %d units", n.ID, time.Since(start).Round(time.Millisecond), count)
	}
	w.must(a.Sees(w.ctx, "b"))
	text, err := os.ReadFile(marks)
	if err != nil || bytes.Count(text, []byte("\n")) != count {
		t.Errorf("%d executions of %d units, %v", bytes.Count(text, []byte("\n")), count, err)
	}
	start = time.Now()
	w.must(releaseAll(w.ctx, a))
	for _, n := range []*harness.Node{a, b} {
		w.must(harness.Until(w.ctx, "no unit on "+n.ID, func() error { return succeeded(w.ctx, n, 0) }))
	}
	t.Logf("released in %v", time.Since(start).Round(time.Millisecond))
}

// manyUnits submits so many for b.
func manyUnits(ctx context.Context, n *harness.Node, count int) error {
	numbers := make(chan int)
	go func() {
		defer close(numbers)
		for i := range count {
			numbers <- i
		}
	}()
	return atOnceDo(numbers, func(i int) error {
		_, _, err := n.Submit(ctx, harness.Work{Node: "b", Type: "mark", Payload: strings.NewReader(fmt.Sprint(i))})
		return err
	})
}

// releaseAll releases what a node lists.
func releaseAll(ctx context.Context, n *harness.Node) error {
	var units map[string]harness.Unit
	if err := n.AskJSON(ctx, "work list", &units); err != nil {
		return err
	}
	ids := make(chan string)
	go func() {
		defer close(ids)
		for id := range units {
			ids <- id
		}
	}()
	return atOnceDo(ids, func(id string) error {
		_, err := n.Ask(ctx, "work release "+id)
		return err
	})
}

// atOnceDo does the same for all that comes, some at a time.
func atOnceDo[T any](what <-chan T, do func(T) error) error {
	var workers sync.WaitGroup
	var mu sync.Mutex
	var all error
	for range submitters {
		workers.Go(func() {
			for one := range what {
				if err := do(one); err != nil {
					mu.Lock()
					all = errors.Join(all, err)
					mu.Unlock()
				}
			}
		})
	}
	workers.Wait()
	return all
}

// succeeded wants so many units, all of them successful.
func succeeded(ctx context.Context, n *harness.Node, count int) error {
	var units map[string]harness.Unit
	if err := n.AskJSON(ctx, "work list", &units); err != nil {
		return err
	}
	states := map[string]int{}
	for _, u := range units {
		states[u.StateName]++
	}
	if len(units) != count || states["Succeeded"] != count {
		return fmt.Errorf("%s has %v, want %d", n.ID, states, count)
	}
	return nil
}

// hugeSize is more than 31 bits can count.
const hugeSize = 1 << 31

// Two gigabytes of output that need no room on disk: sizes and offsets are right,
// and the daemon does not hold what it copies. All of it travels when there is time.
func TestHugeOutput(t *testing.T) {
	limit := patience
	if soaks() {
		limit = 10 * time.Minute
	}
	t.Parallel()
	w := newLoneWorld(t, limit)
	port := w.port()
	b := w.node("b", harness.Listener(port), harness.Command("huge", "sh", fmt.Sprintf("-c 'truncate -s %d /dev/stdout; echo end'", hugeSize)))
	a := w.node("a", harness.Peer(port))
	w.up(b, a)
	w.must(a.Sees(w.ctx, "b"))
	const size = hugeSize + int64(len("end\n"))
	unit, _, err := b.Submit(w.ctx, harness.Work{Node: "b", Type: "huge"})
	w.must(err)
	w.hasHuge(b, unit, size, 64<<20)
	if soaks() {
		w.hasHuge(b, unit, size, size)
		unit, _, err := a.Submit(w.ctx, harness.Work{Node: "b", Type: "huge"})
		w.must(err)
		w.hasHuge(a, unit, size, size)
		w.released(a, unit)
	}
	const most = 150 << 20
	for _, n := range []*harness.Node{a, b} {
		if peak := w.peakMemory(n); peak > most {
			t.Errorf("%s has used %d MB", n.ID, peak>>20)
		}
	}
}

// hasHuge reads so much of the end of the output.
func (w *world) hasHuge(n *harness.Node, unit string, size, tail int64) {
	w.t.Helper()
	u, err := n.Finished(w.ctx, unit)
	w.must(err)
	if u.State != harness.Succeeded || u.StdoutSize != size {
		w.t.Fatalf("%s, %s, %d bytes, want %d", u.StateName, u.Detail, u.StdoutSize, size)
	}
	last := &lastBytes{}
	copied, err := n.Results(w.ctx, unit, size-tail, last)
	w.must(err)
	if copied != tail || string(last.text) != "\x00\x00\x00\x00end\n" {
		w.t.Errorf("%d bytes that end with %q, want %d", copied, last.text, tail)
	}
}

// lastBytes keeps the last eight.
type lastBytes struct{ text []byte }

func (l *lastBytes) Write(p []byte) (int, error) {
	l.text = append(l.text, p[max(0, len(p)-8):]...)
	l.text = l.text[max(0, len(l.text)-8):]
	return len(p), nil
}

// peakMemory is the most that a daemon has ever used.
func (w *world) peakMemory(n *harness.Node) int64 {
	w.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.PID()))
	w.must(err)
	_, after, _ := strings.Cut(string(text), "VmHWM:")
	var kilobytes int64
	_, err = fmt.Sscan(after, &kilobytes)
	w.must(err)
	return kilobytes << 10
}

// A client that is killed amid its payload has no unit that runs, here or elsewhere.
func TestClientKilledAmidItsPayload(t *testing.T) {
	w := newWorld(t)
	mark := filepath.Join(w.Dir, "mark")
	port := w.port()
	b := w.node("b", harness.Listener(port), harness.Command("mark", "sh", fmt.Sprintf("-c 'echo x >>%s'", mark)))
	a := w.node("a", harness.Peer(port))
	w.up(b, a)
	w.must(a.Sees(w.ctx, "b"))
	for _, n := range []*harness.Node{a, b} {
		unit := w.killedAmidPayload(n, "b")
		u, err := n.Finished(w.ctx, unit)
		w.must(err)
		if u.State != harness.Failed || !strings.HasPrefix(u.Detail, "Error reading input data: ") {
			t.Errorf("on %s: %s, %s", n.ID, u.StateName, u.Detail)
		}
		w.released(n, unit)
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("the work was executed")
	}
}

// killedAmidPayload submits with receptorctl and kills it when half of the payload
// has arrived.
func (w *world) killedAmidPayload(n *harness.Node, to string) (unit string) {
	w.t.Helper()
	cmd := exec.CommandContext(w.ctx, programs.Receptorctl, "--socket", n.Socket, "work", "submit", "mark", "--node", to, "--payload", "-")
	input, err := cmd.StdinPipe()
	w.must(err)
	w.must(cmd.Start())
	half := strings.Repeat("half of it\n", 1000)
	_, err = io.WriteString(input, half)
	w.must(err)
	w.must(harness.Until(w.ctx, "half of the payload", func() error {
		files, err := filepath.Glob(filepath.Join(n.DataDir, n.ID, "*", "stdin"))
		if err != nil || len(files) != 1 {
			return errors.Join(err, fmt.Errorf("%d units", len(files)))
		}
		unit = filepath.Base(filepath.Dir(files[0]))
		if info, err := os.Stat(files[0]); err != nil || info.Size() < int64(len(half)) {
			return errors.Join(err, fmt.Errorf("%v", info))
		}
		return nil
	}))
	w.must(cmd.Process.Signal(syscall.SIGKILL))
	if err := cmd.Wait(); err == nil {
		w.t.Error("receptorctl was not killed")
	}
	return unit
}
