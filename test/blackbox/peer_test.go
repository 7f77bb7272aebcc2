package blackbox

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"receptor/test/blackbox/harness"
)

// A foreign node is run beside ours when RECEPTOR_PEER names its program.
func peerProgram(t *testing.T) string {
	t.Helper()
	peer := os.Getenv("RECEPTOR_PEER")
	if peer == "" {
		t.Skip("RECEPTOR_PEER names no foreign program: nothing is proved about existing nodes")
	}
	return peer
}

func TestChainOursTheirsOurs(t *testing.T) {
	peer := peerProgram(t)
	interoperate(t, [3]string{programs.Receptor, peer, programs.Receptor})
}

func TestChainTheirsOursTheirs(t *testing.T) {
	peer := peerProgram(t)
	interoperate(t, [3]string{peer, programs.Receptor, peer})
}

// Both ends are different, too.
func TestChainOursOursTheirs(t *testing.T) {
	peer := peerProgram(t)
	interoperate(t, [3]string{programs.Receptor, programs.Receptor, peer})
}

// interoperate does on a chain what users do, in both directions.
func interoperate(t *testing.T, program [3]string) {
	w := newWorld(t)
	a, b, c := w.chainOf(program, harness.Command("cat", "cat", ""))
	for _, n := range []*harness.Node{a, b, c} {
		w.knowsServices(n, "a", "b", "c")
	}
	for _, way := range [][2]*harness.Node{{a, c}, {c, a}} {
		from, to := way[0], way[1]
		t.Run(from.ID+" to "+to.ID, func(t *testing.T) {
			w := w.in(t)
			w.pings(from, to.ID)
			w.pings(from, b.ID)
			w.traces(from, b.ID, to.ID)
			w.connects(from, to.ID)
			w.catsAway(from, to.ID)
			w.refusesUnknownType(from, to.ID)
		})
	}
}

// knowsServices waits for the advertised control services and their work types.
func (w *world) knowsServices(n *harness.Node, others ...string) {
	w.t.Helper()
	w.must(harness.Until(w.ctx, "services on "+n.ID, func() error {
		s, err := n.Status(w.ctx)
		if err != nil {
			return err
		}
		known := map[string]bool{}
		for _, ad := range s.Advertisements {
			for _, command := range ad.WorkCommands {
				known[ad.NodeID] = known[ad.NodeID] || ad.Service == "control" && command.WorkType == "cat"
			}
		}
		for _, other := range others {
			if !known[other] {
				return fmt.Errorf("cat on %s is not among %v", other, known)
			}
		}
		return nil
	}))
}

func (w *world) pings(from *harness.Node, to string) {
	w.t.Helper()
	var answer struct {
		Success bool
		From    string
		Error   string
		Time    int64
	}
	w.must(from.AskJSON(w.ctx, "ping "+to, &answer))
	if !answer.Success || answer.From != to || answer.Time <= 0 {
		w.t.Errorf("ping %s from %s: %+v", to, from.ID, answer)
	}
}

func (w *world) traces(from *harness.Node, over, to string) {
	w.t.Helper()
	if way, want := w.trace(from, to), []string{from.ID, over, to}; !slices.Equal(way, want) {
		w.t.Errorf("traceroute %s from %s: %v, want %v", to, from.ID, way, want)
	}
}

// trace is the nodes on the way, each with its error.
func (w *world) trace(from *harness.Node, to string) []string {
	w.t.Helper()
	steps := map[string]struct{ From, Error string }{}
	w.must(from.AskJSON(w.ctx, "traceroute "+to, &steps))
	var way []string
	for i := range len(steps) {
		step := steps[fmt.Sprint(i)]
		way = append(way, step.From+step.Error)
	}
	return way
}

// connects talks to the other control service over a stream, half-closes and
// reads to the end.
func (w *world) connects(from *harness.Node, to string) {
	w.t.Helper()
	s, err := from.Connect(w.ctx, to, "control", "")
	w.must(err)
	defer s.Close()
	banner, err := s.ReadLine()
	if err != nil || banner != "Receptor Control, node "+to {
		w.t.Fatalf("connect %s from %s: banner %q, %v", to, from.ID, banner, err)
	}
	_, err = io.WriteString(s, "ping "+from.ID+"\n")
	w.must(err)
	w.must(s.CloseWrite())
	rest, err := io.ReadAll(s.In)
	if err != nil || !strings.Contains(string(rest), `"Success":true`) {
		w.t.Errorf("ping over a stream from %s to %s: %q, %v", from.ID, to, rest, err)
	}
}

// catsAway has 5 MB carried there and back.
func (w *world) catsAway(from *harness.Node, to string) {
	w.t.Helper()
	payload := make([]byte, 5<<20)
	_, err := rand.Read(payload)
	w.must(err)
	unit, _, err := from.Submit(w.ctx, harness.Work{Node: to, Type: "cat", Payload: bytes.NewReader(payload)})
	w.must(err)
	u, err := from.Finished(w.ctx, unit)
	w.must(err)
	if u.State != harness.Succeeded || u.StdoutSize != int64(len(payload)) {
		w.t.Errorf("cat on %s from %s: %s (%s), %d bytes", to, from.ID, u.StateName, u.Detail, u.StdoutSize)
	}
	var got bytes.Buffer
	_, err = from.Results(w.ctx, unit, 0, &got)
	w.must(err)
	wantBytes(w.t, got.Bytes(), payload)
	answer, err := from.Ask(w.ctx, "work release "+unit)
	if err != nil || answer != fmt.Sprintf(`{"released":%q}`, unit) {
		w.t.Errorf("release from %s: %q, %v", from.ID, answer, err)
	}
}

func (w *world) refusesUnknownType(from *harness.Node, to string) {
	w.t.Helper()
	unit, _, err := from.Submit(w.ctx, harness.Work{Node: to, Type: "nope"})
	if err == nil || unit == "" {
		w.t.Fatalf("unknown type on %s from %s: unit %q, %v", to, from.ID, unit, err)
	}
	u, err := from.Finished(w.ctx, unit)
	w.must(err)
	if u.State != harness.Failed {
		w.t.Errorf("unknown type on %s from %s: %s, %s", to, from.ID, u.StateName, u.Detail)
	}
}
