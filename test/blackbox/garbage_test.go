package blackbox

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"receptor/test/blackbox/harness"
)

// Strangers at the TCP port are shown out; the neighbours don't notice.
func TestGarbageOnTheTCPPort(t *testing.T) {
	w := newWorld(t)
	port := w.port()
	b := w.node("b", harness.Listener(port))
	a := w.node("a", harness.Peer(port))
	w.up(b, a)
	w.must(a.Sees(w.ctx, "b"))
	neighbour := a.PID()

	noise := make([]byte, 1<<16)
	_, err := rand.Read(noise)
	w.must(err)
	for name, bytes := range map[string][]byte{
		"a web browser":          []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
		"zero-length frame":      {0, 0, 0, 0},
		"unknown message type":   framed([]byte{99, 1, 2, 3}),
		"short data message":     framed([]byte{0, 1, 2, 3}),
		"update that is no JSON": framed([]byte("\x01{\"NodeID\":")),
		"update of nobody":       framed([]byte(`{"NodeID":""}`)),
		"frame without end":      append([]byte{0xff, 0xff}, noise[:1000]...),
		"noise":                  noise,
		"nothing":                nil,
	} {
		w.t.Logf("%s", name)
		w.showOut(port, bytes)
	}
	for range 50 {
		w.showOut(port, noise[:100])
	}
	s, err := b.Status(w.ctx)
	w.must(err)
	if len(s.Connections) != 1 || !s.Connected("a") || len(s.RoutingTable) != 1 {
		t.Errorf("connections %v, routes %v", s.Connections, s.RoutingTable)
	}
	if text := w.ctl(a, "ping", "b", "--count", "1"); !strings.HasPrefix(text, "Reply from b in ") || a.PID() != neighbour {
		t.Errorf("ping: %q", text)
	}
}

func framed(message []byte) []byte {
	return append(binary.LittleEndian.AppendUint16(nil, uint16(len(message))), message...)
}

// showOut sends bytes to a TCP port, ends its side and reads to the end.
func (w *world) showOut(port int, bytes []byte) {
	w.t.Helper()
	conn, err := net.DialTimeout("tcp4", fmt.Sprintf("127.0.0.1:%d", port), patience)
	w.must(err)
	defer conn.Close()
	w.must(conn.SetDeadline(time.Now().Add(patience / 2)))
	if _, err := conn.Write(bytes); err != nil && !hungUp(err) {
		w.t.Errorf("write: %v", err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil && !hungUp(err) {
		w.t.Errorf("close: %v", err)
	}
	if _, err := io.Copy(io.Discard, conn); err != nil && !hungUp(err) {
		w.t.Errorf("read to the end: %v", err)
	}
}

// hungUp reports that the other side has closed: what strangers may expect.
func hungUp(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ENOTCONN)
}

// loneFoo is a node on its own, and a session with it.
func (w *world) loneFoo() (*harness.Node, *harness.Session) {
	w.t.Helper()
	foo := w.node("foo", []string{"--local-only"})
	w.up(foo)
	s, err := harness.Dial(w.ctx, foo.Socket)
	w.must(err)
	return foo, s
}

func TestGarbageOnTheControlSocket(t *testing.T) {
	w := newWorld(t)
	_, s := w.loneFoo()
	defer s.Close()
	if s.Banner != "Receptor Control, node foo" {
		t.Errorf("banner %q", s.Banner)
	}
	for line, want := range map[string]string{
		"nonsense":      "Unknown command",
		" status":       "Unknown command",
		"\x00\xff\xfe":  "Unknown command",
		`{`:             "unexpected end of JSON input",
		`{"command":1}`: "command must be a string",
		`{"x":1}`:       "JSON did not contain a command",
		`{"command":"status","requested_fields":null}`: "",
		`{"command":"status","requested_fields":[1]}`:  "each element of requested_fields must be a string",
		"ping":                       "no ping target",
		"work":                       "bad command",
		"work status nope":           "unknown work unit nope",
		"work results nope":          "unknown work unit nope",
		"work submit localhost nope": "work type",
		"connect nowhere control":    "no route to node",
		"connect":                    "no connect target",
		"status x":                   "status command does not take parameters",
	} {
		_, err := s.Ask(line)
		if text := harness.ErrText(err); text == "" || !strings.Contains(strings.ToLower(text), strings.ToLower(want)) {
			t.Errorf("%q: %v, want %q", line, err, want)
		}
	}
	if answer, err := s.Ask("status"); err != nil || !strings.HasPrefix(answer, "{") {
		t.Errorf("the session is of no use any more: %q, %v", answer, err)
	}
}

// A line without end is cut off before it fills the memory.
func TestEndlessLineOnTheControlSocket(t *testing.T) {
	w := newWorld(t)
	foo, s := w.loneFoo()
	defer s.Close()
	block := bytes.Repeat([]byte("x"), 1<<20)
	const enough = 64
	sent := 0
	for ; sent < enough; sent++ {
		if _, err := s.Write(block); err != nil {
			break
		}
	}
	if sent == enough {
		_, err := s.Ask("")
		if text := harness.ErrText(err); text == "" {
			t.Errorf("%d MB on one line: %v", sent, err)
		}
	}
	if size := residentMB(t, foo.PID()); size > 200 {
		t.Errorf("the daemon uses %d MB now", size)
	}
	if _, err := foo.Status(w.ctx); err != nil {
		t.Error(err)
	}
}

func residentMB(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		t.Fatal(err)
	}
	var total, resident int
	if _, err := fmt.Sscan(string(text), &total, &resident); err != nil {
		t.Fatal(err)
	}
	return resident * os.Getpagesize() >> 20
}

func TestUnknownWorkType(t *testing.T) {
	w := newWorld(t)
	a, _, _ := w.chain()
	if _, _, err := a.Submit(w.ctx, harness.Work{Node: "a", Type: "nope"}); !strings.Contains(harness.ErrText(err), "nope") {
		t.Errorf("local: %v", err)
	}
	unit, _, err := a.Submit(w.ctx, harness.Work{Node: "c", Type: "nope"})
	if !strings.Contains(harness.ErrText(err), "nope") {
		t.Errorf("remote: %v", err)
	}
	u, err := a.Finished(w.ctx, unit)
	w.must(err)
	if u.State != harness.Failed || !strings.Contains(u.Detail, "nope") {
		t.Errorf("the unit is %s: %s", u.StateName, u.Detail)
	}
}
