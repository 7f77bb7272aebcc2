package blackbox

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"receptor/test/blackbox/harness"
)

var duplicateText = regexp.MustCompile(`(?m)^ERROR .* We are a duplicate node with ID a and epoch \d+\. +Shutting down\.$`)

// twins starts a node called a and, elsewhere in the mesh, a younger one of the
// same name. It returns what the younger one wrote, and its exit status.
func (w *world) twins(older string) (log string, code int) {
	w.t.Helper()
	port, other := w.port(), w.port()
	b := w.node("b", harness.Listener(port))
	c := w.node("c", harness.Peer(port), harness.Listener(other))
	a := w.Node(older, "a", harness.Peer(port)...)
	a.Foreign = !isOurs(a)
	w.up(b, c, a)
	w.must(c.Sees(w.ctx, "a", "b"))
	w.nextSecond()
	log, _, code = w.run(programs.Receptor, append([]string{
		"--node", "id=a", "datadir=" + filepath.Join(w.Dir, "younger"),
	}, harness.Peer(other)...)...)
	w.must(c.Sees(w.ctx, "a"))
	w.answers(c, "a")
	w.answers(a, "c")
	return log, code
}

// nextSecond lets the clock's second pass: the age of a node is told in seconds, and
// within one it is left to chance who is the younger.
func (w *world) nextSecond() {
	w.t.Helper()
	start := time.Now().Unix()
	w.must(harness.Until(w.ctx, "the next second", func() error {
		if time.Now().Unix() == start {
			return errors.New("not yet")
		}
		return nil
	}))
}

// Of two nodes with one ID the younger one stops with exit status 1 and says why.
// The older one stays.
func TestYoungerDuplicateStops(t *testing.T) {
	t.Parallel()
	for name, older := range map[string]string{"ours": programs.Receptor, "theirs": ""} {
		t.Run("older is "+name, func(t *testing.T) {
			if older == "" {
				older = peerProgram(t)
			}
			log, code := newWorld(t).twins(older)
			if code != 1 || len(duplicateText.FindAllString(log, -1)) != 1 {
				t.Errorf("exit status %d:\n%s", code, log)
			}
		})
	}
}

// A second node of the same name at the same neighbour is refused at the link.
func TestSecondLinkOfOneName(t *testing.T) {
	w := newWorld(t)
	port := w.port()
	b := w.node("b", harness.Listener(port))
	a, twin := w.node("a", harness.Peer(port)), w.node("twin", harness.Peer(port))
	twin.ID, twin.DataDir = "a", filepath.Join(w.Dir, "twin")
	w.up(b, a)
	w.must(b.Sees(w.ctx, "a"))
	w.up(twin)
	w.logLineHas(b, "rejected connection with node a because it connected using a node ID we are already connected to")
	w.pings(b, "a")
	w.pings(a, "b")
	w.logCounts(b, "Connection established", 1)
	if text := w.ctl(b, "status"); strings.Count(text, fmt.Sprintf("\n%-12s 1\n", "a")) != 1 {
		t.Errorf("status:\n%s", text)
	}
}
