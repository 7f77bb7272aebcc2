package work

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"receptor/actors/supervise"
	"receptor/actors/work/store"
	"receptor/actors/work/unit"
	workv1 "receptor/proto/work/v1"
	"receptor/test/probe"
)

// The test binary is its own runner.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == RunnerFlag {
		os.Exit(RunCommand(os.Args[2:]))
	}
	os.Exit(m.Run())
}

// patience bounds every wait of these tests; processes take real time.
const patience = 30 * time.Second

// world is a node with a work family and nothing else.
type world struct {
	*testing.T
	stage *probe.Stage
	cfg   Config
	pid   *actor.PID
}

func onStage(t *testing.T, f func(w *world)) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		w := &world{T: t, stage: s, cfg: Config{
			NodeID: "foo", DataDir: t.TempDir(), Log: s.Log(), Feeds: NewFeeds(),
			Terms: Terms{Types: []CommandType{
				{Type: "cat", Command: "cat"},
				{Type: "sh", Command: "sh", AllowRuntimeParams: true},
				{Type: "signed", Command: "cat", VerifySignature: true},
			}},
		}}
		f(w)
	})
}

// up starts the family; it is the daemon.
func (w *world) up() {
	w.Helper()
	w.pid = w.stage.Spawn(supervise.Spec{Name: "work", Kind: "family", New: New(w.cfg), Supervises: true})
	w.list("") // everything is loaded before the first answer
}

// down stops the family; what it started lives on.
func (w *world) down() {
	w.Helper()
	w.stage.Stop(w.pid)
}

var trusted = &workv1.Access{Trusted: true}

func (w *world) submit(m *workv1.Submit) *workv1.SubmitReply {
	w.Helper()
	if m.GetAccess() == nil {
		m.Access = trusted
	}
	return w.stage.Ask(w, w.pid, m).(*workv1.SubmitReply)
}

// created makes a unit that waits for its payload.
func (w *world) created(node, kind, params string) *workv1.Created {
	w.Helper()
	m := &workv1.Submit{Node: node, WorkType: kind}
	if params != "" {
		m.Params = map[string]string{"params": params}
	}
	reply := w.submit(m)
	if reply.GetCreated() == nil {
		w.Fatal("refused:", reply.GetRefused().GetText())
	}
	return reply.GetCreated()
}

func (w *world) start(c *workv1.Created, payload string) *workv1.StartReply {
	w.Helper()
	if err := os.WriteFile(c.GetStdinPath(), []byte(payload), 0o600); err != nil {
		w.Fatal(err)
	}
	return w.stage.Ask(w, w.pid, &workv1.Start{UnitId: c.GetUnitId()}).(*workv1.StartReply)
}

// run starts a local unit and returns its ID.
func (w *world) run(kind, params, payload string) string {
	w.Helper()
	c := w.created("foo", kind, params)
	if reply := w.start(c, payload); reply.GetStarted() == nil {
		w.Fatal("not started:", reply.GetRefused().GetText())
	}
	return c.GetUnitId()
}

func (w *world) cancel(id string) *workv1.EndReply {
	w.Helper()
	return w.stage.Ask(w, w.pid, &workv1.Cancel{UnitId: id, Access: trusted}).(*workv1.EndReply)
}

func (w *world) release(id string, force bool) *workv1.EndReply {
	w.Helper()
	return w.stage.Ask(w, w.pid, &workv1.Release{UnitId: id, Force: force, Access: trusted}).(*workv1.EndReply)
}

func (w *world) list(id string) *workv1.ListUnitsReply {
	w.Helper()
	return w.stage.Ask(w, w.pid, &workv1.ListUnits{UnitId: id}).(*workv1.ListUnitsReply)
}

// awaitStatus follows a unit until ok.
func (w *world) awaitStatus(id string, ok func(*workv1.Status) bool) *workv1.Status {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), patience)
	defer cancel()
	var found, last *workv1.Status
	stop := context.Canceled
	err := w.cfg.Feeds.WatchStatus(ctx, id, func(s *workv1.Status) error {
		if last = s; ok(s) {
			found = s
			return stop
		}
		return nil
	})
	if found == nil {
		w.Fatalf("unit %s never came so far: %v, %v", id, last, err)
	}
	return found
}

// final waits for the end of a unit and checks it.
func (w *world) final(id string, state unit.State, detail string) *workv1.Status {
	w.Helper()
	s := w.awaitStatus(id, func(s *workv1.Status) bool { return unit.State(s.GetState()).Final() })
	if unit.State(s.GetState()) != state || s.GetDetail() != detail {
		w.Errorf("unit %s ended as %s %q, want %s %q", id, unit.State(s.GetState()), s.GetDetail(), state, detail)
	}
	return s
}

// results reads the output to its end.
func (w *world) results(id string, offset int64) string {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), patience)
	defer cancel()
	var out bytes.Buffer
	if err := w.cfg.Feeds.CopyResults(ctx, id, offset, &out); err != nil {
		w.Errorf("results of %s: %v", id, err)
	}
	return out.String()
}

func (w *world) dir(id string) store.Dir {
	return store.At(filepath.Join(w.cfg.DataDir, w.cfg.NodeID, id))
}

// until polls with a deadline.
func (w *world) until(what string, ok func() bool) {
	w.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			w.Fatal("never:", what)
		}
		<-tick.C
	}
}

// noActorsLeft waits until finished units cost nothing.
func (w *world) noActorsLeft() {
	w.Helper()
	w.until("no unit has an actor", func() bool {
		for _, child := range w.stage.Tree(w, w.pid).GetChildren() {
			if child.GetKind() == "unit" {
				return false
			}
		}
		return true
	})
}
