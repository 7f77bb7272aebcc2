package work_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rs/zerolog"

	"receptor/actors/control"
	"receptor/actors/supervise"
	"receptor/actors/work"
	"receptor/actors/work/store"
	"receptor/actors/work/unit"
	workv1 "receptor/proto/work/v1"
	"receptor/test/probe"
	"receptor/transport"
	"receptor/transport/mesh"
)

// patience bounds every wait of these tests; processes take real time.
const patience = 60 * time.Second

// pair is two whole nodes, as far as work is concerned: near submits to far,
// whose control service is the real one.
type pair struct {
	*testing.T
	stage     *probe.Stage
	near, far *node
	cutter    cutter
}

type node struct {
	cfg     work.Config
	pid     *actor.PID
	control *actor.PID
	addr    string
}

type noPings struct{}

func (noPings) Ping(context.Context, string, byte) mesh.PingResult { return mesh.PingResult{} }

func onPair(t *testing.T, change func(p *pair), f func(p *pair)) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		p := &pair{T: t, stage: s, near: &node{}, far: &node{}}
		p.cutter.done = map[string]bool{}
		for name, n := range map[string]*node{"near": p.near, "far": p.far} {
			n.cfg = work.Config{NodeID: name, DataDir: t.TempDir(), Log: s.Log(), Feeds: work.NewFeeds()}
		}
		p.near.cfg.Dial = p.dial
		p.far.cfg.Types = []work.CommandType{{Type: "cat", Command: "cat"}, {Type: "sh", Command: "sh", AllowRuntimeParams: true}}
		if change != nil {
			change(p)
		}
		p.up(p.far)
		p.up(p.near)
		f(p)
		p.down(p.near)
	})
}

// up starts the work of a node, and for the far one its control service.
func (p *pair) up(n *node) {
	p.Helper()
	n.pid = p.stage.Spawn(supervise.Spec{Name: "work-" + n.cfg.NodeID, Kind: "family", New: work.New(n.cfg), Supervises: true})
	p.list(n)
	if n != p.far {
		return
	}
	addr := n.addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	binding := control.ListenTCP(addr, nil, zerolog.Nop())
	l, err := binding.Prepare()
	if err != nil {
		p.Fatal(err)
	}
	if n.addr == "" {
		n.addr = l.Addr().String()
	}
	n.control = p.stage.Spawn(supervise.Spec{Name: "control-far", Kind: "family", Supervises: true, New: control.New(control.Config{
		NodeID: "far", Log: p.stage.Log(), Work: n.pid, Plane: noPings{}, Feeds: n.cfg.Feeds, Dial: p.dial,
		Listeners: supervise.NewLive([]control.Listener{{Name: "tcp", Binding: binding, MaxConns: 5000}}),
	})})
}

// down stops a node; what it started lives on.
func (p *pair) down(n *node) {
	p.Helper()
	if n.control != nil {
		p.stage.Stop(n.control)
	}
	p.stage.Stop(n.pid)
}

func (p *pair) dial(ctx context.Context, to, service, _ string) (transport.StreamConn, error) {
	if to != "far" || service != "control" {
		return nil, errors.New("no route to node")
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", p.far.addr)
	if err != nil {
		return nil, err
	}
	return &cutConn{TCPConn: conn.(*net.TCPConn), cutter: &p.cutter}, nil
}

func (p *pair) list(n *node) []*workv1.Status {
	p.Helper()
	return p.stage.Ask(p, n.pid, &workv1.ListUnits{}).(*workv1.ListUnitsReply).GetUnits().GetUnits()
}

// submit makes a unit on the far node and returns its ID here.
func (p *pair) submit(kind, payload string, params map[string]string) string {
	p.Helper()
	m := &workv1.Submit{Node: "far", WorkType: kind, Params: params, Access: &workv1.Access{Trusted: true}}
	reply := p.stage.Ask(p, p.near.pid, m).(*workv1.SubmitReply)
	c := reply.GetCreated()
	if c == nil {
		p.Fatal("refused:", reply.GetRefused().GetText())
	}
	if err := os.WriteFile(c.GetStdinPath(), []byte(payload), 0o600); err != nil {
		p.Fatal(err)
	}
	p.stage.Send(p.near.pid, &workv1.Start{UnitId: c.GetUnitId()})
	return c.GetUnitId()
}

// final waits for the end of a unit.
func (p *pair) final(n *node, id string) *workv1.Status {
	p.Helper()
	return p.await(n, id, func(s *workv1.Status) bool { return s.GetState() >= workv1.State_STATE_SUCCEEDED })
}

func (p *pair) await(n *node, id string, ok func(s *workv1.Status) bool) *workv1.Status {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.Context(), patience)
	defer cancel()
	var last *workv1.Status
	found := errors.New("found")
	err := n.cfg.Feeds.WatchStatus(ctx, id, func(s *workv1.Status) error {
		if last = s; ok(s) {
			return found
		}
		return nil
	})
	if !errors.Is(err, found) {
		p.Fatalf("unit %s never came so far: %v, %v", id, last, err)
	}
	return last
}

func (p *pair) results(n *node, id string) string {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.Context(), patience)
	defer cancel()
	var out bytes.Buffer
	if err := n.cfg.Feeds.CopyResults(ctx, id, 0, &out); err != nil {
		p.Errorf("results of %s: %v", id, err)
	}
	return out.String()
}

// However the exchange breaks, there is one execution, and its output is whole.
func TestCutAtEveryStepOfASubmission(t *testing.T) {
	log := filepath.Join(t.TempDir(), "runs")
	change := func(p *pair) {
		p.far.cfg.Types = append(p.far.cfg.Types, work.CommandType{
			Type: "once", Command: "sh", Params: fmt.Sprintf(`-c 'echo run >> %s; cat'`, log),
		})
	}
	onPair(t, change, func(p *pair) {
		units := map[string]string{}
		payload := func(cut string) string { return strings.Repeat(cut+"\n", 40) }
		for _, way := range []string{"up", "down"} {
			// The longest exchange is about 750 bytes up and 250 down.
			for at := 0; at < 800; at += 23 {
				if cut := fmt.Sprintf("%s %d", way, at); way == "up" || at < 300 {
					units[cut] = p.submit("once", payload(cut), map[string]string{"cut": cut})
				}
			}
		}
		for cut, id := range units {
			s := p.final(p.near, id)
			if s.GetState() != workv1.State_STATE_SUCCEEDED || p.results(p.near, id) != payload(cut) {
				t.Errorf("cut %s: %v", cut, s)
			}
		}
		text, err := os.ReadFile(log)
		if err != nil || strings.Count(string(text), "run") != len(units) {
			t.Errorf("%d executions of %d units, %v", strings.Count(string(text), "run"), len(units), err)
		}
		if n := len(p.cutter.done); n != len(units) {
			t.Errorf("%d exchanges were cut, want %d", n, len(units))
		}
		if n := len(p.list(p.far)); n != len(units) {
			t.Errorf("%d units are there, want %d", n, len(units))
		}
	})
}

// A repeat is found after a restart of the far node, too.
func TestKeysSurviveARestart(t *testing.T) {
	onPair(t, nil, func(p *pair) {
		ask := func() *workv1.Created {
			m := &workv1.Submit{Node: "far", WorkType: "cat", Key: "near/abc", Access: &workv1.Access{Trusted: true}}
			return p.stage.Ask(t, p.far.pid, m).(*workv1.SubmitReply).GetCreated()
		}
		first := ask()
		second := ask() // the first never got its payload
		if first.GetExists() || second.GetExists() || first.GetUnitId() == second.GetUnitId() {
			t.Errorf("%v, then %v", first, second)
		}
		p.stage.Ask(t, p.far.pid, &workv1.Start{UnitId: second.GetUnitId()})
		p.final(p.far, second.GetUnitId())
		p.down(p.far)
		p.up(p.far)
		if third := ask(); !third.GetExists() || third.GetUnitId() != second.GetUnitId() || len(p.list(p.far)) != 1 {
			t.Errorf("after the restart: %v, %d units", third, len(p.list(p.far)))
		}
		other := &workv1.Submit{Node: "far", WorkType: "sh", Key: "near/abc", Access: &workv1.Access{Trusted: true}}
		if no := p.stage.Ask(t, p.far.pid, other).(*workv1.SubmitReply).GetRefused().GetText(); no == "" {
			t.Error("the key was taken for another type")
		}
		release := &workv1.Release{UnitId: second.GetUnitId(), Access: &workv1.Access{Trusted: true}}
		p.stage.Ask(t, p.far.pid, release)
		if fourth := ask(); fourth.GetExists() {
			t.Error("a released unit was found")
		}
	})
}

// A far node that died amid the payload keeps nothing of the unit. That is no end of
// it: it is brought there again.
func TestPayloadCutByADeathOfTheFarNode(t *testing.T) {
	onPair(t, nil, func(p *pair) {
		const id = "abcd1234"
		p.down(p.near)
		m := &workv1.Submit{Node: "far", WorkType: "cat", Key: "near/" + id, Access: &workv1.Access{Trusted: true}}
		half := p.stage.Ask(t, p.far.pid, m).(*workv1.SubmitReply).GetCreated().GetUnitId()
		p.down(p.far)
		p.up(p.far)
		p.isEmpty(p.far)
		nearStore, err := store.Open(p.near.cfg.DataDir, "near")
		if err != nil {
			t.Fatal(err)
		}
		dir, err := nearStore.Create(id, unit.Record{
			Detail: unit.DetailStarting, WorkType: unit.TypeRemote,
			Remote: &unit.RemoteData{RemoteNode: "far", RemoteWorkType: "cat", RemoteUnitID: half},
		}, "")
		if err == nil {
			err = os.WriteFile(dir.Stdin(), []byte("all of it"), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		p.up(p.near)
		if s := p.final(p.near, id); s.GetState() != workv1.State_STATE_SUCCEEDED || p.results(p.near, id) != "all of it" {
			t.Errorf("the unit is %v", s)
		}
		if n := len(p.list(p.far)); n != 1 {
			t.Errorf("%d units are there", n)
		}
	})
}

// Of a unit whose payload breaks off nothing is left on the far node: the near one
// may have forgotten it.
func TestHalfAPayloadLeavesNothing(t *testing.T) {
	onPair(t, nil, func(p *pair) {
		m := &workv1.Submit{Node: "far", WorkType: "cat", Key: "near/abc", Access: &workv1.Access{Trusted: true}}
		id := p.stage.Ask(t, p.far.pid, m).(*workv1.SubmitReply).GetCreated().GetUnitId()
		reply := p.stage.Ask(t, p.far.pid, &workv1.Start{UnitId: id, InputError: "cut"}).(*workv1.StartReply)
		if text := reply.GetRefused().GetText(); text != "Error reading input data: cut" {
			t.Errorf("start: %q", text)
		}
		p.isEmpty(p.far)
	})
}

// isEmpty waits until a node has no unit.
func (p *pair) isEmpty(n *node) {
	p.Helper()
	deadline := time.Now().Add(patience)
	for len(p.list(n)) > 0 {
		if time.Now().After(deadline) {
			p.Fatalf("left are %v", p.list(n))
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// All units on a node share one stream; results are fetched when there are any.
func TestOneStreamCarriesAllStates(t *testing.T) {
	onPair(t, nil, func(p *pair) {
		var ids []string
		for range 20 {
			ids = append(ids, p.submit("sh", "", map[string]string{"params": `-c 'sleep 0.4; echo out'`}))
		}
		quiet := p.submit("sh", "", map[string]string{"params": `-c 'sleep 0.3'`})
		for _, id := range ids {
			if s := p.final(p.near, id); s.GetState() != workv1.State_STATE_SUCCEEDED || p.results(p.near, id) != "out\n" {
				t.Errorf("unit %v", s)
			}
		}
		p.final(p.near, quiet)
		if n := p.cutter.counted("watchunits"); n != 1 {
			t.Errorf("%d streams for states", n)
		}
		if n := p.cutter.counted("results"); n != len(ids) {
			t.Errorf("%d streams for results", n)
		}
	})
}

func TestOutputFlowsWhileTheUnitRuns(t *testing.T) {
	onPair(t, nil, func(p *pair) {
		gate := filepath.Join(t.TempDir(), "gate")
		id := p.submit("sh", "", map[string]string{"params": fmt.Sprintf(`-c 'echo one; while [ ! -e %s ]; do sleep 0.05; done; echo two'`, gate)})
		s := p.await(p.near, id, func(s *workv1.Status) bool { return s.GetStdoutSize() == 4 })
		if s.GetState() >= workv1.State_STATE_SUCCEEDED {
			t.Error("it came only at the end")
		}
		if err := os.WriteFile(gate, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		p.final(p.near, id)
		if got := p.results(p.near, id); got != "one\ntwo\n" {
			t.Errorf("output %q", got)
		}
	})
}

// The far node goes away and comes back: everything is asked for again.
func TestWatchComesBack(t *testing.T) {
	onPair(t, nil, func(p *pair) {
		gate := filepath.Join(t.TempDir(), "gate")
		wait := fmt.Sprintf(`-c 'while [ ! -e %s ]; do sleep 0.05; done; cat'`, gate)
		var ids []string
		for i := range 8 {
			ids = append(ids, p.submit("sh", fmt.Sprint("payload ", i), map[string]string{"params": wait}))
		}
		for _, id := range ids {
			p.await(p.near, id, func(s *workv1.Status) bool { return s.GetState() == workv1.State_STATE_RUNNING })
		}
		p.down(p.far)
		if err := os.WriteFile(gate, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		p.up(p.far)
		for i, id := range ids {
			if s := p.final(p.near, id); s.GetState() != workv1.State_STATE_SUCCEEDED || p.results(p.near, id) != fmt.Sprint("payload ", i) {
				t.Errorf("unit %v", s)
			}
		}
	})
}
