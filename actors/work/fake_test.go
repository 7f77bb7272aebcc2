package work

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"receptor/actors/work/unit"
	"receptor/transport"
)

// fakeNode is the control service of node "bar", as far as remote units need it.
type fakeNode struct {
	t *testing.T

	mu       sync.Mutex
	changed  *sync.Cond
	units    map[string]*fakeUnit
	made     int
	down     bool
	mute     bool   // takes connections and says nothing
	old      bool   // knows no watch, and never ends results of canceled units
	refuse   string // answer to submit
	keep     string // answer to results; empty for none
	cutAt    int    // results streams break after that many bytes, once
	endAt    int    // the same, but the stream just ends, as if all were sent
	cutReply bool   // the connection breaks before the answer to a payload, once
	conns    map[net.Conn]bool
	said     map[string]int // commands by kind
	tokens   map[string]string
}

type fakeUnit struct {
	payload string
	state   unit.State
	detail  string
	out     []byte
	size    int // announced; counts if larger than out
}

func newFakeNode(t *testing.T) *fakeNode {
	n := &fakeNode{t: t, units: map[string]*fakeUnit{}, conns: map[net.Conn]bool{}, said: map[string]int{}, tokens: map[string]string{}}
	n.changed = sync.NewCond(&n.mu)
	return n
}

// change changes the node under its lock and tells everybody.
func (n *fakeNode) change(f func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f()
	n.changed.Broadcast()
}

// unit changes a unit; there is only one in most tests.
func (n *fakeNode) unit(f func(u *fakeUnit)) {
	n.change(func() {
		for _, u := range n.units {
			f(u)
		}
	})
}

func (n *fakeNode) count(what string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if what == "units" {
		return len(n.units)
	}
	return n.said[what]
}

// takeDown cuts all connections and refuses new ones, until bringUp.
func (n *fakeNode) takeDown() {
	n.change(func() {
		n.down = true
		for c := range n.conns {
			c.Close()
		}
	})
}

func (n *fakeNode) bringUp() { n.change(func() { n.down = false }) }

func (n *fakeNode) dial(_ context.Context, node, service, _ string) (transport.StreamConn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.down || node != "bar" || service != "control" {
		return nil, errors.New("no route to node")
	}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	var ends [2]*net.UnixConn
	for i, fd := range fds {
		file := os.NewFile(uintptr(fd), "pair")
		conn, err := net.FileConn(file)
		file.Close()
		if err != nil {
			return nil, err
		}
		ends[i] = conn.(*net.UnixConn)
	}
	n.conns[ends[1]] = true
	if !n.mute {
		go n.serve(ends[1])
	}
	return ends[0], nil
}

func (n *fakeNode) serve(conn *net.UnixConn) {
	defer func() {
		conn.Close()
		n.change(func() { delete(n.conns, conn) })
	}()
	in := bufio.NewReader(conn)
	fmt.Fprintf(conn, "Receptor Control, node bar\n")
	for {
		line, err := in.ReadString('\n')
		if err != nil || !n.command(conn, in, strings.TrimSpace(line)) {
			return
		}
	}
}

// command runs one command and reports whether the session goes on.
func (n *fakeNode) command(conn *net.UnixConn, in *bufio.Reader, line string) bool {
	words := strings.Fields(line)
	var kind, id string
	start := 0
	if strings.Contains(line, "submitkey") {
		n.t.Error("an old node was sent a key, to it a parameter of the work")
	}
	if strings.HasPrefix(line, "{") {
		var m struct {
			Subcommand, UnitID, Signature string
			StartPos                      int
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			n.t.Errorf("bad JSON %q", line)
		}
		kind, id, start = m.Subcommand, m.UnitID, m.StartPos
		n.change(func() { n.tokens[kind] = m.Signature })
	} else {
		kind, id = words[1], words[len(words)-1]
	}
	n.mu.Lock()
	n.said[kind]++
	u := n.units[id]
	old := n.old
	n.mu.Unlock()
	switch {
	case kind == "features", kind == "stderr":
		fmt.Fprintf(conn, "ERROR: bad command\n")
	case kind == "submit":
		n.submit(conn, in)
		return false
	case kind == "watch" && old:
		fmt.Fprintf(conn, "ERROR: bad command\n")
	case u == nil:
		fmt.Fprintf(conn, "ERROR: unknown work unit %s\n", id)
	case kind == "status":
		conn.Write([]byte(n.status(u))) //nolint:errcheck // the client may have left
	case kind == "watch":
		n.watch(conn, id)
		return false
	case kind == "results":
		n.results(conn, id, start)
		return false
	case kind == "cancel":
		n.change(func() {
			if !u.state.Final() {
				u.state, u.detail = unit.Canceled, "Canceled"
			}
		})
		fmt.Fprintf(conn, "{\"cancelled\":%q}\n", id)
	case kind == "release":
		n.change(func() { delete(n.units, id) })
		fmt.Fprintf(conn, "{\"released\":%q}\n", id)
	}
	return true
}

func (n *fakeNode) submit(conn *net.UnixConn, in io.Reader) {
	n.mu.Lock()
	refuse, cut := n.refuse, n.cutReply
	n.made++
	id := fmt.Sprintf("unit%04d", n.made)
	n.mu.Unlock()
	if refuse != "" {
		fmt.Fprintf(conn, "ERROR: %s\n", refuse)
		return
	}
	u := &fakeUnit{detail: unit.DetailWaiting}
	n.change(func() { n.units[id] = u })
	fmt.Fprintf(conn, "Work unit created with ID %s. Send stdin data and EOF.\n", id)
	payload, err := io.ReadAll(in)
	if err != nil {
		n.change(func() { u.state, u.detail = unit.Failed, "Error reading input data: "+err.Error() })
		return
	}
	n.change(func() {
		u.payload, u.state, u.detail = string(payload), unit.Running, "Running: PID 1"
		n.cutReply = false
	})
	if !cut {
		fmt.Fprintf(conn, "{\"result\":\"Job Started\",\"unitid\":%q}\n", id)
	}
}

func (n *fakeNode) status(u *fakeUnit) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return fmt.Sprintf("{\"Detail\":%q,\"ExtraData\":null,\"State\":%d,\"StateName\":%q,\"StdoutSize\":%d,\"WorkType\":\"cat\"}\n",
		u.detail, int(u.state), u.state, max(len(u.out), u.size))
}

// await waits for a change of the unit until ok, or until it or the connection
// is gone.
func (n *fakeNode) await(conn net.Conn, id string, ok func(u *fakeUnit) bool) *fakeUnit {
	n.mu.Lock()
	defer n.mu.Unlock()
	for {
		u := n.units[id]
		if u == nil || n.down || !n.conns[conn] || ok(u) {
			return u
		}
		n.changed.Wait()
	}
}

func (n *fakeNode) watch(conn *net.UnixConn, id string) {
	last := ""
	for {
		u := n.await(conn, id, func(u *fakeUnit) bool { return fmt.Sprint(u.state, u.detail) != last })
		if u == nil {
			return
		}
		line := n.status(u)
		last = fmt.Sprint(u.state, u.detail)
		if _, err := conn.Write([]byte(line)); err != nil || u.state.Final() {
			return
		}
	}
}

func (n *fakeNode) results(conn *net.UnixConn, id string, at int) {
	n.mu.Lock()
	keep := n.keep
	n.mu.Unlock()
	if keep != "" {
		fmt.Fprintf(conn, "ERROR: %s\n", keep)
		return
	}
	fmt.Fprintf(conn, "Streaming results for work unit %s\n", id)
	for {
		u := n.await(conn, id, func(u *fakeUnit) bool {
			return len(u.out) > at || u.state.Final() && (!n.old || u.state != unit.Canceled)
		})
		if u == nil {
			return
		}
		n.mu.Lock()
		piece, ended, cut := bytes.Clone(u.out[min(at, len(u.out)):]), u.state.Final(), n.cutAt
		end := n.endAt > 0 && at+len(piece) > n.endAt
		if end {
			piece, n.endAt = piece[:n.endAt-at], 0
		}
		if cut > 0 && at+len(piece) > cut {
			piece, n.cutAt = piece[:cut-at], 0
		} else {
			cut = 0
		}
		n.mu.Unlock()
		if _, err := conn.Write(piece); err != nil {
			return
		}
		if at += len(piece); end {
			return
		}
		if cut > 0 {
			n.takeDown()
			n.bringUp()
			return
		}
		if ended && len(piece) == 0 {
			return
		}
	}
}
