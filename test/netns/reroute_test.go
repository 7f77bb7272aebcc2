//go:build linux

package netns

import (
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"receptor/test/blackbox/harness"
	"receptor/test/netns/lab"
)

// newTriangle is a ring of three. n1 has a proxy to the sink of n3.
func newTriangle(t *testing.T, patience time.Duration) *ring {
	t.Helper()
	w := newWorld(t, patience)
	r := &ring{world: w, net: w.bridge(3)}
	h := r.net.Hosts
	r.nodes = []*harness.Node{
		w.on(h[0], overTCP.listener(h[0]), overTCP.peer(h[1]), proxy(h[2])),
		w.on(h[1], overTCP.listener(h[1]), overTCP.peer(h[2])),
		w.on(h[2], overTCP.listener(h[2]), overTCP.peer(h[0]), sink(), counting()),
	}
	w.up(r.nodes...)
	r.whole()
	return r
}

// A stream goes on where the link under it is reset, and again when the link is
// back.
func TestTransferSurvivesReroutes(t *testing.T) {
	r := newTriangle(t, time.Minute)
	w, h := r.world, r.net.Hosts
	w.must(h[0].Rate(w.ctx, 40))
	const size = 24 * megabyte
	p := w.pour(h[0], h[2], size)
	w.must(p.reached(w.ctx, size/6))
	w.must(r.net.Set(w.ctx, lab.Refuse(h[0], h[2]), lab.Refuse(h[2], h[0])))
	r.links(1, 3, false)
	w.must(p.reached(w.ctx, size/2))
	w.must(r.net.Set(w.ctx))
	rate, err := p.wait(w.ctx)
	w.must(err)
	t.Logf("%d MiB at %.1f of 40 Mbit/s", size/megabyte, rate)
}

// Nor does a stream end where the link under it falls silent: it waits until that
// is noticed, and goes another way.
func TestTransferSurvivesSilence(t *testing.T) {
	t.Parallel()
	r := newTriangle(t, 2*time.Minute)
	w, h := r.world, r.net.Hosts
	w.must(h[0].Rate(w.ctx, 40))
	const size = 8 * megabyte
	p := w.pour(h[0], h[2], size)
	w.must(p.reached(w.ctx, size/4))
	start := time.Now()
	w.must(r.net.Set(w.ctx, lab.Silence(h[0], h[2]), lab.Silence(h[2], h[0])))
	r.links(1, 3, false)
	rerouted := time.Since(start)
	w.must(p.reached(w.ctx, p.came.Load()+1))
	goesOn := time.Since(start)
	_, err := p.wait(w.ctx)
	w.must(err)
	t.Logf("rerouted after %v, goes on after %v", rerouted.Round(time.Millisecond), goesOn.Round(time.Millisecond))
}

// The output of a unit of work is fetched anew where it broke off, so that it
// survives even a link that falls silent.
func TestWorkSurvivesSilence(t *testing.T) {
	t.Parallel()
	r := newTriangle(t, 2*time.Minute)
	w, h := r.world, r.net.Hosts
	unit, _, err := r.node(1).Submit(w.ctx, harness.Work{Node: "n3", Type: "count"})
	w.must(err)
	w.must(r.grows(1, unit, 0))
	start := time.Now()
	w.must(r.net.Set(w.ctx, lab.Silence(h[0], h[2]), lab.Silence(h[2], h[0])))
	had, err := r.node(1).Output(unit)
	w.must(err)
	r.links(1, 3, false)
	rerouted := time.Since(start)
	w.must(r.grows(1, unit, had))
	goesOn := time.Since(start)
	u, err := r.node(1).Finished(w.ctx, unit)
	w.must(err)
	if u.State != harness.Succeeded {
		t.Errorf("the unit is %s (%s)", u.StateName, u.Detail)
	}
	sum := sha256.New()
	_, err = r.node(1).Results(w.ctx, unit, 0, sum)
	w.must(err)
	if got, want := hashed(sum), counted(); got != want {
		t.Errorf("the output's hash is %s, want %s", got, want)
	}
	t.Logf("rerouted after %v, output goes on after %v", rerouted.Round(time.Millisecond), goesOn.Round(time.Millisecond))
}

// grows waits until a node has more of a unit's output.
func (r *ring) grows(number int, unit string, than int64) error {
	return harness.Until(r.ctx, fmt.Sprintf("more than %d bytes of output", than), func() error {
		size, err := r.node(number).Output(unit)
		if err == nil && size <= than {
			err = fmt.Errorf("%d bytes", size)
		}
		return err
	})
}

// The counting unit prints blocks of 1024 numbered lines of 64 bytes, one block in
// a quarter of a second: 7 MB in half a minute.
const (
	countBlocks = 110
	countLines  = 1024
)

func counting() []string {
	return harness.Command("count", "sh", fmt.Sprintf(
		`-c "i=0; while [ $i -lt %d ]; do seq -f %%063.0f $((i*%[2]d+1)) $((i*%[2]d+%[2]d)); i=$((i+1)); sleep 0.25; done"`,
		countBlocks, countLines))
}

// counted is the hash of what the counting unit prints.
func counted() string {
	sum := sha256.New()
	for i := range countBlocks * countLines {
		fmt.Fprintf(sum, "%063d\n", i+1)
	}
	return hashed(sum)
}
