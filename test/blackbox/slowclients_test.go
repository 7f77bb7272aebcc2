package blackbox

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"

	"receptor/test/blackbox/harness"
)

// memory is how much of a node is in memory, in bytes.
func (w *world) memory(n *harness.Node) (size int64) {
	w.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.PID()))
	w.must(err)
	_, after, _ := strings.Cut(string(text), "VmRSS:")
	_, err = fmt.Sscan(after, &size)
	w.must(err)
	return size << 10
}

// descriptors is how many files and sockets a node has open.
func (w *world) descriptors(n *harness.Node) int {
	w.t.Helper()
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", n.PID()))
	w.must(err)
	return len(open)
}

// stranger is a client with its own ideas: it says something, and maybe reads the first
// two lines of what it is told.
func (w *world) stranger(door [2]string, says string, reads bool) net.Conn {
	w.t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(w.ctx, door[0], door[1])
	w.must(err)
	w.t.Cleanup(func() { _ = conn.Close() }) // for a second time, maybe
	_, err = io.WriteString(conn, says)
	w.must(err)
	if reads {
		in := bufio.NewReaderSize(conn, 16)
		for range 2 {
			_, err := in.ReadString('\n')
			w.must(err)
		}
	}
	return conn
}

// Clients that stop in the midst of a line, that don't read what they have asked for or
// that vanish cost their connections: others are answered, and memory is what it was.
func TestBadClientsCostNobodyElse(t *testing.T) {
	const (
		output = 64 << 20
		many   = 32
		half   = 256 << 10 // of a line
		growth = 96 << 20  // what many unread outputs would exceed many times
	)
	w := newWorld(t)
	port := w.port()
	foo := w.node("foo", []string{"--local-only"}, harness.Command("cat", "cat", ""), harness.Command("big", "head", fmt.Sprintf("-c %d /dev/zero", output)))
	foo.Control = []string{"tcplisten=" + local(port)}
	w.up(foo)
	unit := w.gives(foo, "big")
	_, err := foo.Finished(w.ctx, unit)
	w.must(err)
	memory, descriptors := w.memory(foo), w.descriptors(foo)

	var conns []net.Conn
	for i := range many {
		door := [][2]string{{"unix", foo.Socket}, {"tcp", local(port)}}[i%2]
		conns = append(conns,
			w.stranger(door, "sta", false),
			w.stranger(door, `{"command":"ping","x":"`+strings.Repeat("y", half), false),
			w.stranger(door, "work results "+unit+"\n", true), // and no more of it
		)
		w.must(w.stranger(door, "work results "+unit+"\n", i%4 < 2).Close())
		w.must(w.stranger(door, "work submit localhost cat\nhalf a payload", false).Close())
	}
	for range 10 {
		if s, err := foo.Status(w.ctx); err != nil || s.NodeID != "foo" {
			t.Fatalf("another client: %+v, %v", s, err)
		}
		if now := w.memory(foo); now > memory+growth {
			t.Fatalf("%d MiB in memory, before the clients came it was %d", now>>20, memory>>20)
		}
	}
	if n, err := foo.Results(w.ctx, unit, 0, io.Discard); err != nil || n != output {
		t.Errorf("another client reads %d bytes, %v", n, err)
	}
	if now := w.memory(foo); now > memory+growth {
		t.Errorf("%d MiB in memory, before the clients came it was %d", now>>20, memory>>20)
	}
	for _, conn := range conns {
		w.must(conn.Close())
	}
	w.must(harness.Until(w.ctx, "the connections to be gone", func() error {
		if now := w.descriptors(foo); now > descriptors+2 { // one comes and goes
			return fmt.Errorf("%d are open, it was %d", now, descriptors)
		}
		return nil
	}))
}
