package work_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"receptor/actors/control"
	"receptor/actors/supervise"
	"receptor/actors/work"
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
	if n.addr == "" {
		n.addr = "127.0.0.1:0"
	}
	binding := control.ListenTCP(n.addr, nil)
	l, err := binding.Prepare()
	if err != nil {
		p.Fatal(err)
	}
	n.addr = l.Addr().String()
	n.control = p.stage.Spawn(supervise.Spec{Name: "control-far", Kind: "family", Supervises: true, New: control.New(control.Config{
		NodeID: "far", Log: p.stage.Log(), Work: n.pid, Plane: noPings{}, Feeds: n.cfg.Feeds, Dial: p.dial,
		Listeners: []control.Listener{{Name: "tcp", Binding: binding, MaxConns: 5000}},
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

// cutter breaks each connection that submits a unit with the parameter "cut" once,
// when that many bytes have gone one way: "up 120" or "down 30".
type cutter struct {
	mu      sync.Mutex
	done    map[string]bool
	streams map[string]int // sessions by what they were for
}

func (c *cutter) counted(what string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.streams[what]
}

// first reports whether this is to be cut now.
func (c *cutter) first(what string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done[what] {
		return false
	}
	c.done[what] = true
	return true
}

var (
	cutParam   = regexp.MustCompile(`"cut":"(up|down) ([0-9]+)"`)
	subcommand = regexp.MustCompile(`^work ([a-z]+)|"subcommand":"([a-z]+)"`)
)

// cutConn is a connection of the near node.
type cutConn struct {
	*net.TCPConn
	cutter   *cutter
	mu       sync.Mutex
	way      string
	at       int // -1: of no interest
	up, down int
}

func (c *cutConn) Abort() {
	_ = c.SetLinger(0)
	_ = c.Close()
}

func (c *cutConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	if m := cutParam.FindSubmatch(b); m != nil && c.cutter.first(string(m[0])) {
		c.way = string(m[1])
		c.at, _ = strconv.Atoi(string(m[2]))
	}
	if m := subcommand.FindStringSubmatch(string(b)); m != nil {
		c.cutter.mu.Lock()
		if c.cutter.streams == nil {
			c.cutter.streams = map[string]int{}
		}
		c.cutter.streams[m[1]+m[2]]++
		c.cutter.mu.Unlock()
	}
	room := len(b)
	if c.way == "up" {
		room = min(room, max(0, c.at-c.up))
	}
	c.up += room
	c.mu.Unlock()
	n, err := c.TCPConn.Write(b[:room])
	if err == nil && room < len(b) {
		c.Abort()
		err = net.ErrClosed
	}
	return n, err
}

// CloseWrite is one more thing that may get lost.
func (c *cutConn) CloseWrite() error {
	c.mu.Lock()
	lost := c.way == "up" && c.at > c.up
	c.mu.Unlock()
	if lost {
		c.Abort()
		return net.ErrClosed
	}
	return c.TCPConn.CloseWrite()
}

func (c *cutConn) Read(b []byte) (int, error) {
	n, err := c.TCPConn.Read(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down += n
	if c.way == "down" && c.down > c.at {
		n = max(0, n-(c.down-c.at))
		c.Abort()
		if n == 0 {
			return 0, net.ErrClosed
		}
	}
	return n, err
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
