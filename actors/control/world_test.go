package control

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"receptor/actors/supervise"
	routerv1 "receptor/proto/router/v1"
	workv1 "receptor/proto/work/v1"
	"receptor/test/probe"
	"receptor/transport"
	"receptor/transport/mesh"
)

// patience bounds every wait of a test.
const patience = time.Minute

// world is a control service on a Unix socket, and stand-ins for the rest of the
// node.
type world struct {
	t      *testing.T
	stage  *probe.Stage
	router *probe.Probe
	work   *workFamily
	cfg    Config
	path   string
	pid    *actor.PID
}

func newWorld(t *testing.T, s *probe.Stage, change func(*Config)) *world {
	w := &world{t: t, stage: s, router: s.Probe(), path: filepath.Join(t.TempDir(), "s")}
	w.work = newWorkFamily(t, s)
	w.router.Answer(&routerv1.GetStatus{}, func(proto.Message) proto.Message { return recordedStatus() })
	w.cfg = Config{
		NodeID: "foo", Version: "1.4.9", Log: s.Log(), Router: w.router.PID, Work: w.work.probe.PID,
		Plane: pings{}, Feeds: w.work,
		Dial: func(context.Context, string, string, string) (transport.StreamConn, error) {
			return nil, errors.New("INTERNAL_ERROR (local): no route to node")
		},
		Listeners: supervise.NewLive([]Listener{{Name: "unix", Trusted: true, Binding: ListenUnix(w.path, 0o600)}}),
	}
	if change != nil {
		change(&w.cfg)
	}
	for _, l := range w.cfg.Listeners.Load() {
		if _, err := l.Binding.Prepare(); err != nil {
			t.Fatal(err)
		}
	}
	w.pid = s.Spawn(supervise.Spec{Name: "control-" + w.cfg.NodeID, Kind: "control", New: New(w.cfg), Supervises: true})
	return w
}

var _ Pinger = (*mesh.Plane)(nil)

// pings answers for a mesh foo - bar - baz.
type pings struct{}

func (pings) Ping(ctx context.Context, target string, hops byte) mesh.PingResult {
	way := map[string][]string{
		"foo": {"foo"}, "localhost": {"foo"}, "bar": {"foo", "bar"}, "baz": {"foo", "bar", "baz"},
	}[target]
	switch {
	case target == "slow":
		<-ctx.Done()
		return mesh.PingResult{Problem: mesh.ProblemCancelled}
	case hops == 0 && (way == nil || len(way) > 1):
		return mesh.PingResult{From: "foo", Took: 1, Problem: "message expired"}
	case way == nil:
		return mesh.PingResult{From: "foo", Took: 1, Problem: "no route to node"}
	case int(hops) < len(way)-1:
		return mesh.PingResult{From: way[hops], Took: 1, Problem: "message expired"}
	}
	return mesh.PingResult{From: way[len(way)-1], Took: 1}
}

// workFamily stands for the work family: every unit is a cat that has finished.
type workFamily struct {
	probe *probe.Probe
	dir   string

	mu      sync.Mutex
	units   map[string]*workv1.Status
	listed  *workv1.ListUnits // the last question
	started []*workv1.Start
	refused map[string]string // StartReply by unit
	stdin   func(unit string) string
	feed    func(ctx context.Context, w io.Writer) error // instead of the payload
}

func newWorkFamily(t *testing.T, s *probe.Stage) *workFamily {
	f := &workFamily{
		probe: s.Probe(), dir: t.TempDir(), units: map[string]*workv1.Status{}, refused: map[string]string{},
	}
	f.stdin = func(unit string) string { return filepath.Join(f.dir, unit) }
	f.probe.Answer(&workv1.Submit{}, func(m proto.Message) proto.Message { return f.submit(m.(*workv1.Submit)) })
	f.probe.Answer(&workv1.Start{}, func(m proto.Message) proto.Message { return f.start(m.(*workv1.Start)) })
	f.probe.Answer(&workv1.Cancel{}, func(m proto.Message) proto.Message {
		return f.end(m.(*workv1.Cancel).GetUnitId(), false)
	})
	f.probe.Answer(&workv1.Release{}, func(m proto.Message) proto.Message {
		return f.end(m.(*workv1.Release).GetUnitId(), true)
	})
	drained := func(on bool) proto.Message {
		return &workv1.DrainReply{Result: &workv1.DrainReply_Drained{Drained: &workv1.Drained{Draining: on, Unfinished: 3}}}
	}
	f.probe.Answer(&workv1.Drain{}, func(proto.Message) proto.Message { return drained(true) })
	f.probe.Answer(&workv1.Resume{}, func(proto.Message) proto.Message { return drained(false) })
	f.probe.Answer(&workv1.ListUnits{}, func(m proto.Message) proto.Message { return f.list(m.(*workv1.ListUnits)) })
	f.probe.Answer(&workv1.GetResults{}, func(m proto.Message) proto.Message {
		if f.unit(m.(*workv1.GetResults).GetUnitId()) == nil {
			return &workv1.GetResultsReply{Result: &workv1.GetResultsReply_Refused{
				Refused: unknown(m.(*workv1.GetResults).GetUnitId()),
			}}
		}
		return &workv1.GetResultsReply{Result: &workv1.GetResultsReply_Granted{Granted: &workv1.Granted{}}}
	})
	return f
}

func unknown(unit string) *workv1.Refused {
	return &workv1.Refused{Code: workv1.Code_CODE_UNKNOWN_UNIT, Text: "unknown work unit " + unit}
}

func (f *workFamily) unit(id string) *workv1.Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.units[id]
}

func (f *workFamily) submit(m *workv1.Submit) *workv1.SubmitReply {
	f.mu.Lock()
	defer f.mu.Unlock()
	if m.GetWorkType() == "nosuch" && m.GetNode() == "foo" {
		return &workv1.SubmitReply{Result: &workv1.SubmitReply_Refused{Refused: &workv1.Refused{
			Code: workv1.Code_CODE_UNKNOWN_TYPE, Text: "unknown work type nosuch",
		}}}
	}
	id := "unit" + strconv.Itoa(len(f.units)+len(f.started)+1)
	if m.GetWorkType() == "nosuch" {
		f.refused[id] = "could not parse response: ERROR: unknown work type nosuch"
	}
	f.units[id] = &workv1.Status{
		UnitId: id, State: workv1.State_STATE_SUCCEEDED, Detail: "exit status 0", WorkType: m.GetWorkType(), ExtraData: "null",
	}
	return &workv1.SubmitReply{Result: &workv1.SubmitReply_Created{Created: &workv1.Created{
		UnitId: id, StdinPath: f.stdin(id),
	}}}
}

func (f *workFamily) start(m *workv1.Start) *workv1.StartReply {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.started = append(f.started, m)
	if info, err := os.Stat(f.stdin(m.GetUnitId())); err == nil && f.units[m.GetUnitId()] != nil {
		f.units[m.GetUnitId()].StdoutSize = info.Size()
	}
	if text := f.refused[m.GetUnitId()]; text != "" {
		return &workv1.StartReply{Result: &workv1.StartReply_Refused{Refused: &workv1.Refused{Text: text}}}
	}
	return &workv1.StartReply{Result: &workv1.StartReply_Started{Started: &workv1.Started{}}}
}

func (f *workFamily) end(id string, forget bool) *workv1.EndReply {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.units[id] == nil {
		return &workv1.EndReply{Result: &workv1.EndReply_Refused{Refused: unknown(id)}}
	}
	if forget {
		delete(f.units, id)
	}
	return &workv1.EndReply{Result: &workv1.EndReply_Ended{Ended: &workv1.Ended{}}}
}

func (f *workFamily) list(m *workv1.ListUnits) *workv1.ListUnitsReply {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.listed = m
	units := &workv1.Units{}
	for id, u := range f.units {
		if m.GetUnitId() == "" || m.GetUnitId() == id {
			units.Units = append(units.Units, proto.Clone(u).(*workv1.Status))
		}
	}
	if m.GetUnitId() != "" && len(units.GetUnits()) == 0 {
		return &workv1.ListUnitsReply{Result: &workv1.ListUnitsReply_Refused{Refused: unknown(m.GetUnitId())}}
	}
	return &workv1.ListUnitsReply{Result: &workv1.ListUnitsReply_Units{Units: units}}
}

// OpenErrors has a few words for each unit that is not called quiet.
func (f *workFamily) OpenErrors(_ context.Context, unit string, offset int64, follow bool) (func(context.Context, io.Writer) error, error) {
	if unit == "quiet" {
		return nil, errors.New("unit quiet is of another kind")
	}
	return func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, fmt.Sprintf("stderr of %s, follow %v\n", unit, follow)[offset:])
		return err
	}, nil
}

// feedLate has the only unit give its results when it may finish.
func (f *workFamily) feedLate(unit string, finish <-chan struct{}) {
	f.units[unit] = &workv1.Status{UnitId: unit}
	f.feed = func(ctx context.Context, out io.Writer) error {
		select {
		case <-finish:
		case <-ctx.Done():
		}
		_, err := io.WriteString(out, "late")
		return err
	}
}

// CopyResults gives back the payload.
func (f *workFamily) CopyResults(ctx context.Context, unit string, offset int64, w io.Writer) error {
	if f.feed != nil {
		return f.feed(ctx, w)
	}
	file, err := os.Open(f.stdin(unit))
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		return err
	}
	_, err = io.Copy(w, file)
	return err
}

// WatchStatus tells of a run, a success, and nothing after it.
func (f *workFamily) WatchStatus(_ context.Context, unit string, each func(*workv1.Status) error) error {
	u := f.unit(unit)
	if u == nil {
		return errors.New("unknown work unit " + unit)
	}
	if err := each(&workv1.Status{State: workv1.State_STATE_RUNNING, WorkType: u.GetWorkType()}); err != nil {
		return err
	}
	return each(u)
}

// nextStart waits until the control service has started, or failed, n units.
// WatchUnits tells of each unit once.
func (f *workFamily) WatchUnits(ctx context.Context, asked <-chan string, each func([]*workv1.Status) error) error {
	if err := each(nil); err != nil {
		return err
	}
	for {
		select {
		case line := <-asked:
			s := &workv1.Status{UnitId: line[1:], Gone: true}
			if u := f.unit(s.GetUnitId()); u != nil {
				s = u
			}
			if err := each([]*workv1.Status{s}); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (f *workFamily) nextStart(t *testing.T, n int) *workv1.Start {
	t.Helper()
	var m *workv1.Start
	eventually(t, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		if len(f.started) < n {
			return false
		}
		m = f.started[n-1]
		return true
	})
	return m
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); {
		if time.Now().After(deadline) {
			t.Fatal("it never happened")
		}
		time.Sleep(time.Millisecond) // polls, does not settle
	}
}

// client speaks to a control service line by line.
type client struct {
	t    testing.TB
	conn transport.StreamConn
	r    *bufio.Reader
}

// dial connects without reading the banner.
func dial(t testing.TB, network, addr string) *client {
	t.Helper()
	conn, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return &client{t, conn.(transport.StreamConn), bufio.NewReader(conn)}
}

// client connects to the world's socket and reads the banner.
func (w *world) client() *client {
	w.t.Helper()
	c := dial(w.t, "unix", w.path)
	c.expect("Receptor Control, node " + w.cfg.NodeID + "\n")
	return c
}

func (c *client) send(text string) {
	c.t.Helper()
	if _, err := c.conn.Write([]byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) line() string {
	c.t.Helper()
	line, err := c.r.ReadString('\n')
	if err != nil {
		c.t.Fatalf("read %q, then %v", line, err)
	}
	return line
}

func (c *client) expect(want string) {
	c.t.Helper()
	if got := c.line(); got != want {
		c.t.Fatalf("\n got %q\nwant %q", got, want)
	}
}

func (c *client) ask(line, want string) {
	c.t.Helper()
	c.send(line + "\n")
	c.expect(want + "\n")
}

func (c *client) halfClose() {
	c.t.Helper()
	if err := c.conn.CloseWrite(); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) expectEnd() {
	c.t.Helper()
	if rest, err := io.ReadAll(c.r); err != nil || len(rest) > 0 {
		c.t.Fatalf("read %q, %v, want the end", rest, err)
	}
}

func (c *client) close() {
	c.t.Helper()
	if err := c.conn.Close(); err != nil {
		c.t.Fatal(err)
	}
}
