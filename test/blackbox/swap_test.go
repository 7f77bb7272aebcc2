package blackbox

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"receptor/test/blackbox/harness"
)

// An operator puts the existing program in the place of ours and then ours again, with
// the same data. Each finds the units, the existing one nothing that it would take for
// a unit and complain of, and the neighbours see every start of ours at once. The data
// are of an earlier version, whose clock was ahead.
func TestSwapToThePeerAndBack(t *testing.T) {
	peer := peerProgram(t)
	w := newWorld(t)
	port, other := w.port(), w.port()
	b := w.node("b", harness.Listener(port), harness.Command("cat", "cat", ""))
	c := w.node("c", harness.Peer(port), harness.Listener(other))
	a := w.node("a", harness.Peer(port), harness.Command("cat", "cat", ""), harness.Command("long", "sleep", "1000"))
	ahead := uint64(time.Now().Add(time.Hour).Unix()) << 24
	old := filepath.Join(a.DataDir, "a")
	w.must(os.MkdirAll(old, 0o700))
	w.must(os.WriteFile(filepath.Join(old, "epoch"), fmt.Appendln(nil, ahead), 0o600))
	w.must(os.WriteFile(filepath.Join(old, "reset.key"), []byte(strings.Repeat("01", 32)+"\n"), 0o600))

	w.up(b, c, a)
	w.must(b.Sees(w.ctx, "a"))
	states := map[string]string{
		w.gives(a, "cat"):                "Succeeded",
		w.gives(a, "--node", "b", "cat"): "Succeeded",
		w.gives(a, "long"):               "Running",
		w.gives(a, "--ttl", "100ms", "--node", "nowhere", "cat"): "Failed",
	}
	w.hasUnits(a, states)
	first := w.epoch(a)
	if first != ahead+1 {
		t.Errorf("epoch %d after %d", first, ahead)
	}
	w.swaps(a, peer)
	w.hasUnits(a, states)
	if complaint := w.logged(a, "locating unit"); complaint != 0 {
		t.Errorf("the existing program complains:\n%s", a.LogTail())
	}
	for unit, state := range states {
		if state != "Running" {
			_, err := a.Ask(w.ctx, "work status "+unit)
			w.must(err)
		}
	}
	a.Args = append(a.Args, harness.Peer(other)...)
	w.swaps(a, programs.Receptor)
	w.listens(b, a, c)
	if again := w.epoch(a); again != first+1 {
		t.Errorf("epoch %d after %d", again, first)
	}
	w.hasUnits(a, states)
	w.logCounts(a, "can't be read", 0)
	for unit := range states {
		w.ctl(a, "work", "release", unit)
	}
}

// swaps has another program go on with a node.
func (w *world) swaps(n *harness.Node, program string) {
	w.t.Helper()
	w.must(n.Stop(w.ctx))
	n.Program = program
	n.Foreign = !isOurs(n)
	w.up(n)
}

// listens waits until n has heard of a neighbour that another node has now.
func (w *world) listens(n, another, neighbour *harness.Node) {
	w.t.Helper()
	w.must(harness.Until(w.ctx, n.ID+" to believe "+another.ID, func() error {
		var status struct{ KnownConnectionCosts map[string]map[string]float64 }
		err := n.AskJSON(w.ctx, "status", &status)
		if _, ok := status.KnownConnectionCosts[another.ID][neighbour.ID]; err == nil && !ok {
			err = fmt.Errorf("it knows %v", status.KnownConnectionCosts)
		}
		return err
	}))
}

// hasUnits waits until a node has these units, in these states, and no others.
func (w *world) hasUnits(n *harness.Node, states map[string]string) {
	w.t.Helper()
	w.must(harness.Until(w.ctx, "the units of "+n.ID, func() error {
		var units map[string]harness.Unit
		if err := n.AskJSON(w.ctx, "work list", &units); err != nil {
			return err
		}
		found := map[string]string{}
		for unit, u := range units {
			found[unit] = u.StateName
		}
		if !maps.Equal(found, states) {
			return fmt.Errorf("%v, want %v", found, states)
		}
		return nil
	}))
}

// epoch is that of the node's last start.
func (w *world) epoch(n *harness.Node) uint64 {
	w.t.Helper()
	text, err := os.ReadFile(epochFile(n))
	w.must(err)
	epoch, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	w.must(err)
	return epoch
}

func epochFile(n *harness.Node) string { return filepath.Join(n.DataDir, "localhost", n.ID, "epoch") }
