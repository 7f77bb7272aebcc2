package peer

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"receptor/transport"
)

// event is one step of a recorded conversation between two daemons.
type event struct {
	Conn  int
	Dir   string
	Text  string
	Event string
}

// recorded returns the conversations by connection, in order.
func recorded(t *testing.T) [][]event {
	t.Helper()
	text, err := os.ReadFile("testdata/remote-peer.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Segments []struct{ Events []event }
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	var conns [][]event
	for _, s := range file.Segments {
		byConn := map[int]int{}
		for _, e := range s.Events {
			i, ok := byConn[e.Conn]
			if !ok {
				i = len(conns)
				byConn[e.Conn] = i
				conns = append(conns, nil)
			}
			conns[i] = append(conns[i], e)
		}
	}
	return conns
}

// pair is a stream between the code under test and the test.
func pair(t *testing.T) (near transport.StreamConn, far *net.UnixConn) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	var ends [2]*net.UnixConn
	for i, fd := range fds {
		file := os.NewFile(uintptr(fd), "pair")
		conn, err := net.FileConn(file)
		file.Close()
		if err != nil {
			t.Fatal(err)
		}
		ends[i] = conn.(*net.UnixConn)
		t.Cleanup(func() { conn.Close() })
	}
	return ends[0], ends[1]
}

// script says the lines of the remote node in turn, and returns all it was sent
// until the end of input.
func script(far *net.UnixConn, events []event) string {
	var got strings.Builder
	in := bufio.NewReader(io.TeeReader(far, &got))
	for i, e := range events {
		switch {
		case e.Dir == "node->peer":
			io.WriteString(far, e.Text) //nolint:errcheck // the other side may have left, as in the recording
		case e.Dir == "peer->node" && strings.HasSuffix(e.Text, "\n"):
			in.ReadString('\n') //nolint:errcheck // what is missing is seen in the comparison
		case e.Event == "peer half-close (EOF on its sending side)":
			io.Copy(io.Discard, in) //nolint:errcheck // as above
		case strings.HasPrefix(e.Event, "node closes") && i > 0:
			far.CloseWrite() //nolint:errcheck // as above
		}
	}
	far.CloseWrite()        //nolint:errcheck // as above
	io.Copy(io.Discard, in) //nolint:errcheck // as above
	return got.String()
}

func sent(events []event) string {
	var b strings.Builder
	for _, e := range events {
		if e.Dir == "peer->node" {
			b.WriteString(e.Text)
		}
	}
	return b.String()
}

// play does what the recorded daemon did, and returns what came of it.
func play(ctx context.Context, near transport.StreamConn, first string, all string) (string, error) {
	dial := func(context.Context, string, string, string) (transport.StreamConn, error) { return near, nil }
	s, err := Connect(ctx, dial, "peer", "")
	if err != nil {
		return "", err
	}
	defer s.Close()
	if id, ok := strings.CutPrefix(first, "work status "); ok {
		for range strings.Count(all, "work status") {
			if _, err := s.Status(strings.TrimSpace(id)); err != nil {
				return "status", err
			}
		}
		return "status", nil
	}
	var line map[string]any
	if err := json.Unmarshal([]byte(first), &line); err != nil {
		return "", err
	}
	id, _ := line["unitid"].(string)
	switch line["subcommand"] {
	case "cancel":
		return "cancel", s.Cancel(id)
	case "release":
		return "release", s.Release(id)
	case "results":
		var out strings.Builder
		err := s.Results(id, 0, &out)
		return out.String(), err
	}
	params := map[string]string{}
	if p, ok := line["params"].(string); ok {
		params["params"] = p
	}
	payload := strings.TrimPrefix(all, first)
	made := ""
	err = s.Submit(Submission{
		WorkType: line["worktype"].(string), Params: params, Payload: strings.NewReader(payload),
		Created: func(id string) error { made = id; return nil },
	})
	return made, err
}

// What we say is byte for byte what a daemon of the existing system says.
func TestReplay(t *testing.T) {
	played := 0
	for _, events := range recorded(t) {
		want := sent(events)
		first, _, _ := strings.Cut(want, "\n")
		if strings.Contains(want, `"signature"`) || want == "" {
			continue // signing is not ours yet
		}
		near, far := pair(t)
		got := make(chan string, 1)
		go func() { got <- script(far, events) }()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		result, err := play(ctx, near, first+"\n", want)
		cancel()
		if text := <-got; text != want {
			t.Errorf("said %q, want %q", text, want)
		}
		said := ""
		for _, e := range events {
			if e.Dir == "node->peer" {
				said += e.Text
			}
		}
		var refused *RefusedError
		switch {
		case strings.Contains(said, "unknown work unit"):
			if !errors.Is(err, ErrUnknownUnit) {
				t.Errorf("%s: %v", first, err)
			}
		case strings.Contains(said, "ERROR"):
			if !errors.As(err, &refused) || refused.Text != "could not parse response: ERROR: unknown work type nosuch" {
				t.Errorf("%s: %v", first, err)
			}
		case err != nil:
			t.Errorf("%s: %v", first, err)
		case strings.Contains(said, "with ID") && !strings.Contains(said, "with ID "+result+"."):
			t.Errorf("the unit is %q in %q", result, said)
		case strings.Contains(said, "Streaming") && !strings.HasSuffix(said, "\n"+result):
			t.Errorf("results %q of %q", result, said)
		}
		played++
	}
	if played < 15 {
		t.Errorf("only %d conversations played", played)
	}
}

func connectTo(t *testing.T, said ...string) (*Session, error) {
	t.Helper()
	near, far := pair(t)
	go func() {
		for _, text := range said {
			io.WriteString(far, text) //nolint:errcheck // the other side may leave
		}
		far.CloseWrite() //nolint:errcheck // as above
	}()
	return Connect(t.Context(), func(context.Context, string, string, string) (transport.StreamConn, error) {
		return near, nil
	}, "a", "")
}

func TestBannerIsExact(t *testing.T) {
	for _, banner := range []string{"Receptor Control, node ba\n", "Receptor Control, node ab\n", "hello\n", "", "Receptor Control, node a"} {
		if s, err := connectTo(t, banner); err == nil {
			s.Close()
			t.Errorf("%q was taken for node a", banner)
		}
	}
	s, err := connectTo(t, "Receptor Control, node a\n")
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}

func TestRepliesOfAllKinds(t *testing.T) {
	cases := []struct{ line, want string }{
		{`{"State":1,"Detail":"x","StdoutSize":3}`, ""},
		{"ERROR: unknown work unit abc", "unknown work unit"},
		{"ERROR: bad command", "command not supported by the peer"},
		{"ERROR: signature is empty", "signature is empty"},
		{"ERROR", "ERROR"},
		{"x", "malformed status"},
		{"", "malformed status"},
		{`{"State":12}`, "impossible status"},
		{`{"State":1,"StdoutSize":-1}`, "impossible status"},
	}
	for _, c := range cases {
		_, err := parseStatus(c.line)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%q: %v", c.line, err)
		}
	}
}

func FuzzParseStatus(f *testing.F) {
	f.Add(`{"State":1,"Detail":"x","StdoutSize":3}`)
	f.Add("ERROR: unknown work unit abc")
	f.Fuzz(func(t *testing.T, line string) {
		s, err := parseStatus(line)
		if err == nil && (s.StdoutSize < 0 || s.State < 0) {
			t.Fatalf("%q became %+v", line, s)
		}
	})
}
