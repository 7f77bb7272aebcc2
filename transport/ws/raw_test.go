package ws

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"receptor/transport"
	"receptor/transport/frame"
)

// golden is what an existing node was seen to send.
type golden struct {
	Request string `json:"upgrade_request"`
	Vectors []struct {
		Fin, Opcode byte
		Len         int    `json:"payload_len"`
		Payload     string `json:"payload_hex"`
		First       string `json:"first_header_bytes_hex"`
	}
}

func readGolden(t testing.TB) golden {
	t.Helper()
	text, err := os.ReadFile("testdata/mesh-websocket.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(text, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// masked is a WebSocket frame of a client.
func masked(fin, opcode byte, payload []byte) []byte {
	head := []byte{fin<<7 | opcode}
	switch n := len(payload); {
	case n < 126:
		head = append(head, 0x80|byte(n))
	case n < 1<<16:
		head = binary.BigEndian.AppendUint16(append(head, 0x80|126), uint16(n))
	default:
		head = binary.BigEndian.AppendUint64(append(head, 0x80|127), uint64(n))
	}
	mask := []byte{1, 2, 3, 4}
	head = append(head, mask...)
	for i, b := range payload {
		head = append(head, b^mask[i%4])
	}
	return head
}

// rawClient is a client played by hand, after its upgrade.
type rawClient struct {
	net.Conn
	r *bufio.Reader
}

// knock sends a request and returns the answer's status.
func knock(t testing.TB, l *Listener, request string) (rawClient, int) {
	t.Helper()
	conn, err := net.Dial("tcp", l.Addr())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	c := rawClient{conn, bufio.NewReader(conn)}
	answer, err := http.ReadResponse(c.r, nil) //nolint:bodyclose // by closed
	if err != nil {
		t.Fatal(err)
	}
	closed(t, answer.Body)
	if answer.StatusCode != http.StatusSwitchingProtocols {
		closed(t, conn)
	}
	return c, answer.StatusCode
}

func enter(t testing.TB, l *Listener) (rawClient, transport.Conn) {
	t.Helper()
	request := strings.ReplaceAll(readGolden(t).Request, "127.0.0.1:41191", l.Addr())
	client, status := knock(t, l, request)
	if status != http.StatusSwitchingProtocols {
		t.Fatal(status)
	}
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		closed(t, conn)
		if err := client.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
	return client, conn
}

func (c rawClient) send(t testing.TB, frames ...[]byte) {
	t.Helper()
	if _, err := c.Write(bytes.Join(frames, nil)); err != nil {
		t.Fatal(err)
	}
}

// TestRequest is byte for byte that of an existing node, but for the key and the
// order of headers.
func TestRequest(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, server)
	got := make(chan string, 1)
	go func() {
		conn, err := server.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		defer closed(t, conn)
		req, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			t.Error(err)
			return
		}
		if len(req.Header.Get("Sec-WebSocket-Key")) != 24 {
			t.Error(req.Header)
		}
		req.Header.Set("Sec-WebSocket-Key", "6GI8T1oRVd3OE5oiwTbtFA==")
		var text strings.Builder
		fmt.Fprintf(&text, "%s %s %s\r\nHost: %s\r\nUser-Agent: %s\r\n", req.Method, req.RequestURI, req.Proto, req.Host, req.UserAgent())
		req.Header.Del("User-Agent")
		if err := req.Header.Write(&text); err != nil {
			t.Error(err)
		}
		got <- text.String() + "\r\n"
	}()
	d := newDialer(t, "ws://"+server.Addr().String()+"/some/path?x=1", "X-Token: abc", nil)
	if _, err := d.Dial(t.Context()); err == nil {
		t.Error("no answer is no error")
	}
	want := strings.ReplaceAll(readGolden(t).Request, "127.0.0.1:41191", server.Addr().String())
	if text := <-got; !strings.EqualFold(text, want) {
		t.Errorf("%s\nwant\n%s", text, want)
	}
}

// TestGolden reads the frames of an existing node: fragments, and a pong.
func TestGolden(t *testing.T) {
	g := readGolden(t)
	client, conn := enter(t, listen(t, "", nil))
	var message []byte
	for i, v := range g.Vectors {
		payload, err := hex.DecodeString(strings.TrimSuffix(v.Payload, "..."))
		if err != nil {
			t.Fatal(err)
		}
		payload = append(payload, bytes.Repeat([]byte{0x5a}, v.Len-len(payload))...)
		f := masked(v.Fin, v.Opcode, payload)
		if first := hex.EncodeToString(f[:2]); first[:2] != v.First[:2] {
			t.Errorf("frame %d begins with %s, not with %s", i, first, v.First)
		}
		client.send(t, f)
		if v.Opcode > 2 {
			continue
		}
		if message = append(message, payload...); v.Fin == 1 {
			expect(t, conn, []*frame.Buf{frame.Copy(message)})
			message = nil
		}
	}
}

// TestOddMessages are those nobody should send, and those that are too long.
func TestOddMessages(t *testing.T) {
	client, conn := enter(t, listen(t, "", nil))
	client.send(t,
		masked(1, 2, nil),                    // empty
		masked(0, 1, nil), masked(1, 0, nil), // in two fragments
		masked(1, 1, []byte("text")),                   // counts as binary
		masked(0, 2, []byte("a")),                      // a fragment, a ping, the rest
		masked(1, 9, []byte("p")),                      //
		masked(1, 0, []byte("b")),                      //
		masked(1, 2, make([]byte, frame.MaxLen+1)),     // goes nowhere else
		masked(0, 2, make([]byte, frame.MaxLen)),       // the same, in fragments
		masked(1, 0, make([]byte, readLimit/2)),        //
		masked(1, 2, bytes.Repeat([]byte{9}, usual)),   // just so
		masked(0, 2, bytes.Repeat([]byte{8}, usual)),   //
		masked(1, 0, nil),                              //
		masked(1, 2, bytes.Repeat([]byte{7}, 1<<16-1)), // the longest
	)
	expect(t, conn, []*frame.Buf{
		frame.Copy([]byte("text")), frame.Copy([]byte("ab")),
		frame.Copy(bytes.Repeat([]byte{9}, usual)), frame.Copy(bytes.Repeat([]byte{8}, usual)),
		frame.Copy(bytes.Repeat([]byte{7}, frame.MaxLen)),
	})
	if n := conn.(*Conn).Dropped(); n != 2 {
		t.Errorf("%d dropped", n)
	}
	pong := make([]byte, 3)
	if _, err := io.ReadFull(client.r, pong); err != nil || string(pong) != "\x8a\x01p" {
		t.Errorf("%x, %v", pong, err)
	}
}

func TestEnds(t *testing.T) {
	for name, c := range map[string]struct {
		sent   []byte
		answer string // what comes back before the end
		want   error
	}{
		"nothing":          {nil, "", io.EOF},
		"half a header":    {[]byte{0x82}, "", io.EOF},
		"a header":         {masked(1, 2, []byte("abc"))[:6], "", io.ErrUnexpectedEOF},
		"half a message":   {masked(1, 2, []byte("abc"))[:8], "", io.ErrUnexpectedEOF},
		"a first fragment": {masked(0, 2, []byte("abc")), "", io.ErrUnexpectedEOF},
		"close":            {masked(1, 8, []byte{3, 232}), "\x88\x02\x03\xe8", io.EOF},
		"going away":       {masked(1, 8, []byte{3, 233, 'x'}), "\x88\x03\x03\xe9x", io.EOF},
		"a fault":          {masked(1, 8, []byte{3, 243}), "\x88\x02\x03\xf3", websocket.CloseError{Code: 1011}},
		"far too long":     {masked(1, 2, make([]byte, readLimit+2)), "", websocket.ErrMessageTooBig},
	} {
		t.Run(name, func(t *testing.T) {
			client, conn := enter(t, listen(t, "", nil))
			client.send(t, c.sent)
			if c.answer == "" && !errors.Is(c.want, websocket.ErrMessageTooBig) {
				if err := client.Conn.(*net.TCPConn).CloseWrite(); err != nil {
					t.Fatal(err)
				}
			}
			_, err := conn.ReadFrame()
			if !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
			answer := make([]byte, len(c.answer))
			if _, err := io.ReadFull(client.r, answer); err != nil || string(answer) != c.answer {
				t.Errorf("answered %x, %v", answer, err)
			}
		})
	}
}

// FuzzMessages reads any bytes as frames of a client. Whatever they are, it ends.
func FuzzMessages(f *testing.F) {
	f.Add(masked(1, 2, []byte("abc")))
	f.Add(append(masked(0, 1, []byte("abc")), masked(1, 0, []byte("abc"))...))
	f.Add(append(masked(1, 9, []byte("ping")), masked(1, 8, []byte{3, 232})...))
	f.Add([]byte{0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0})
	f.Add([]byte{0xf2, 0x80})
	request, err := http.NewRequest(http.MethodGet, "/", nil)
	if err != nil {
		f.Fatal(err)
	}
	request.Header = http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key": {"6GI8T1oRVd3OE5oiwTbtFA=="},
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		near, far := net.Pipe()
		up := &upgrader{ResponseWriter: &pipeWriter{conn: far, header: http.Header{}}}
		inner, err := websocket.Accept(up, request, nil)
		if err != nil {
			t.Fatal(err)
		}
		conn := newConn(inner, up.stream)
		answered := make(chan error, 1)
		go func() {
			_, err := io.Copy(io.Discard, near)
			answered <- err
		}()
		go func() {
			_, err := near.Write(sent)
			if err := errors.Join(near.Close()); err != nil {
				t.Error(err)
			}
			if err != nil && !errors.Is(err, io.ErrClosedPipe) {
				t.Error(err)
			}
		}()
		for err == nil {
			var m *frame.Buf
			if m, err = conn.ReadFrame(); err == nil {
				if m.Len() == 0 || m.Len() > MaxFrame {
					t.Errorf("a message of %d bytes", m.Len())
				}
				m.Free()
			}
		}
		closed(t, conn)
		if err := <-answered; err != nil && !errors.Is(err, io.ErrClosedPipe) {
			t.Error(err)
		}
	})
}

// pipeWriter is an HTTP server's side of a pipe.
type pipeWriter struct {
	conn   net.Conn
	header http.Header
}

func (p *pipeWriter) Header() http.Header         { return p.header }
func (p *pipeWriter) Write(b []byte) (int, error) { return len(b), nil }
func (p *pipeWriter) WriteHeader(int)             {}

func (p *pipeWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return p.conn, bufio.NewReadWriter(bufio.NewReader(p.conn), bufio.NewWriter(p.conn)), nil
}
