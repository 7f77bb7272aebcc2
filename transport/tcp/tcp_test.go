package tcp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"receptor/test/probe"
	"receptor/transport"
	"receptor/transport/frame"
)

const patience = 10 * time.Second

// connect returns both ends of a connection on loopback.
func connect(t *testing.T) (near, far transport.Conn) {
	t.Helper()
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, l)
	d, err := NewDialer(l.Addr())
	if err != nil {
		t.Fatal(err)
	}
	if near, err = d.Dial(t.Context()); err != nil {
		t.Fatal(err)
	}
	if far, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, near); closed(t, far) })
	return near, far
}

func closed(t testing.TB, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// raw is the byte stream below a Conn.
func raw(c transport.Conn) net.Conn { return c.(*Conn).stream }

func batchOf(sizes ...int) []*frame.Buf {
	var batch []*frame.Buf
	for i, n := range sizes {
		batch = append(batch, frame.Copy(bytes.Repeat([]byte{byte(i)}, n)))
	}
	return batch
}

func expect(t *testing.T, c transport.Conn, batch []*frame.Buf) {
	t.Helper()
	for i, want := range batch {
		got, err := c.ReadFrame()
		if err != nil {
			t.Fatalf("frame %d: %v", i, err)
		}
		if !bytes.Equal(got.Bytes(), want.Bytes()) {
			t.Fatalf("frame %d: %d bytes, want %d", i, got.Len(), want.Len())
		}
		got.Free()
	}
}

func TestFramesArriveInOrder(t *testing.T) {
	near, far := connect(t)
	batch := batchOf(1, 36, 1200, frame.MaxLen, 0, 2, frame.MaxLen, frame.MaxLen, 7)
	sent := make(chan error, 1)
	go func() { sent <- near.WriteFrames(batch) }()
	expect(t, far, batch)
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
}

// writes counts what reaches the socket.
type writes struct {
	net.Conn
	sizes []int
}

func (w *writes) Write(p []byte) (int, error) {
	w.sizes = append(w.sizes, len(p))
	return len(p), nil
}

func (w *writes) RemoteAddr() net.Addr { return &net.TCPAddr{} }

func TestABatchIsOneWrite(t *testing.T) {
	w := &writes{}
	c := NewConn(w)
	for range 2 {
		if err := c.WriteFrames(batchOf(100, 1200, 50000, 3)); err != nil {
			t.Fatal(err)
		}
	}
	if len(w.sizes) != 2 || w.sizes[0] != 100+1200+50000+3+4*frame.PrefixLen {
		t.Errorf("writes of %v bytes", w.sizes)
	}
	if err := c.WriteFrames(batchOf(60000, 60000, 60000)); err != nil || len(w.sizes) != 4 {
		t.Errorf("%v, writes of %v bytes", err, w.sizes)
	}
}

func TestHalfFrames(t *testing.T) {
	near, far := connect(t)
	for _, part := range []string{"\x05", "\x00he", "llo\x03\x00ab"} {
		if _, err := raw(near).Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, far, []*frame.Buf{frame.Copy([]byte("hello"))})
	closed(t, near)
	if _, err := far.ReadFrame(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("an end inside a frame: %v", err)
	}
}

func TestEndBetweenFrames(t *testing.T) {
	near, far := connect(t)
	if err := near.WriteFrames(batchOf(10)); err != nil {
		t.Fatal(err)
	}
	closed(t, near)
	expect(t, far, batchOf(10))
	if _, err := far.ReadFrame(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

func TestCloseWakesReaderAndWriter(t *testing.T) {
	probe.NoGoroutineLeft(t, func() {
		near, _ := connect(t)
		ends := make(chan error, 2)
		go func() {
			_, err := near.ReadFrame()
			ends <- err
		}()
		go func() { // nobody reads at the far end
			var err error
			for err == nil {
				err = near.WriteFrames(batchOf(frame.MaxLen))
			}
			ends <- err
		}()
		closed(t, near)
		closed(t, near)
		for range 2 {
			select {
			case err := <-ends:
				if !errors.Is(err, net.ErrClosed) {
					t.Error(err)
				}
			case <-time.After(patience):
				t.Fatal("still blocked")
			}
		}
	})
}

func TestDialErrors(t *testing.T) {
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed(t, l)
	d, err := NewDialer(l.Addr())
	if err != nil {
		t.Fatal(err)
	}
	if _, err = d.Dial(t.Context()); err == nil || err.Error() != "dial tcp "+l.Addr()+": connect: connection refused" {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = d.Dial(ctx); !errors.Is(err, context.Canceled) && !strings.Contains(err.Error(), "canceled") {
		t.Errorf("%v", err)
	}
}

func TestAddresses(t *testing.T) {
	for addr, want := range map[string]string{
		"10.0.0.1:2222":  "tcp-peer:10.0.0.1:2222",
		"host.name:2222": "tcp-peer:host.name:2222",
		"[::1]:2222":     "tcp-peer:[::1]:2222",
		"::1:2222":       "tcp-peer:[::1]:2222",
		"fe80::1%eth0:1": "tcp-peer:[fe80::1%eth0]:1",
		"[[::1]]:2222":   "tcp-peer:[::1]:2222",
		":2222":          "tcp-peer::2222",
		"127.0.0.1":      "address 127.0.0.1: missing port in address",
		"a:b:c":          "address a:b:c: too many colons in address",
		"":               "missing port in address",
	} {
		d, err := NewDialer(addr)
		switch {
		case err != nil && err.Error() != want:
			t.Errorf("%s: %v, want %s", addr, err, want)
		case err == nil && d.Name() != want:
			t.Errorf("%s: %s, want %s", addr, d.Name(), want)
		}
	}
	if got := ListenerName("::1:80"); got != "tcp-listener:[::1]:80" {
		t.Error(got)
	}
}

func TestListenErrors(t *testing.T) {
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, l)
	for addr, want := range map[string]string{
		l.Addr():          "listen tcp " + l.Addr() + ": bind: address already in use",
		"127.0.0.1:99999": "listen tcp: address 99999: invalid port",
		"127.0.0.1":       "address 127.0.0.1: missing port in address",
	} {
		if _, err := Bind(addr).Open(); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", addr, err, want)
		}
	}
}
