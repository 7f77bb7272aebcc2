package ws

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"receptor/test/probe"
	"receptor/transport"
	"receptor/transport/frame"
	"receptor/transport/internal/authority"
)

const patience = 10 * time.Second

func closed(t testing.TB, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func listen(t testing.TB, path string, cfg *tls.Config) *Listener {
	t.Helper()
	l, err := Listen("127.0.0.1:0", path, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, l) })
	return l
}

func newDialer(t testing.TB, url, extra string, cfg *tls.Config) *Dialer {
	t.Helper()
	d, err := NewDialer(url, extra, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func address(l *Listener, path string) string {
	if l.door.tls != nil {
		return "wss://" + l.Addr() + path
	}
	return "ws://" + l.Addr() + path
}

// meet returns both ends of a connection on loopback.
func meet(t testing.TB, l *Listener, d *Dialer) (near, far *Conn) {
	t.Helper()
	dialled := make(chan transport.Conn, 1)
	go func() {
		conn, err := d.Dial(t.Context())
		if err != nil {
			t.Error(err)
			closed(t, l) // nobody will come
		}
		dialled <- conn
	}()
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	near, far = (<-dialled).(*Conn), accepted.(*Conn)
	t.Cleanup(func() { closed(t, near); closed(t, far) })
	return near, far
}

func plain(t testing.TB) (near, far *Conn) {
	t.Helper()
	l := listen(t, "", nil)
	return meet(t, l, newDialer(t, address(l, ""), "", nil))
}

func batchOf(sizes ...int) []*frame.Buf {
	var batch []*frame.Buf
	for i, n := range sizes {
		batch = append(batch, frame.Copy(bytes.Repeat([]byte{byte(i + 1)}, n)))
	}
	return batch
}

func expect(t testing.TB, c transport.Conn, batch []*frame.Buf) {
	t.Helper()
	for i, want := range batch {
		if want.Len() == 0 {
			continue // is not sent
		}
		got, err := c.ReadFrame()
		if err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
		if !bytes.Equal(got.Bytes(), want.Bytes()) {
			t.Fatalf("message %d: %d bytes, want %d", i, got.Len(), want.Len())
		}
		got.Free()
	}
}

var sizes = []int{1, 36, 125, 126, 1200, 0, usual - 1, usual, usual + 1, 4096, 10036, MaxFrame, MaxFrame, 2, MaxFrame - 1, 7}

func TestFramesArriveInOrder(t *testing.T) {
	ca := authority.New(t)
	with := ca.Client()
	with.Certificates = []tls.Certificate{ca.Issue(t, "client", time.Hour)}
	for name, c := range map[string]struct{ server, client *tls.Config }{
		"plain": {}, "tls": {ca.Server(t), ca.Client()}, "mutual": {ca.Mutual(t), with},
	} {
		t.Run(name, func(t *testing.T) {
			l := listen(t, "/", c.server)
			near, far := meet(t, l, newDialer(t, address(l, "/any/path?x=1"), "", c.client))
			for _, ends := range [][2]*Conn{{near, far}, {far, near}} {
				batch := batchOf(sizes...)
				sent := make(chan error, 1)
				go func() { sent <- ends[0].WriteFrames(batch) }()
				expect(t, ends[1], batch)
				if err := <-sent; err != nil {
					t.Fatal(err)
				}
			}
			if n := len(near.PeerCertificates()); (n == 1) != (name != "plain") {
				t.Errorf("the dialer sees %d certificates", n)
			}
			if n := len(far.PeerCertificates()); (n == 1) != (name == "mutual") {
				t.Errorf("the listener sees %d certificates", n)
			}
			if far.RemoteAddr() != near.stream.LocalAddr().String() || near.RemoteAddr() != l.Addr() {
				t.Errorf("%s, %s", far.RemoteAddr(), near.RemoteAddr())
			}
			closed(t, near)
			if _, err := far.ReadFrame(); !errors.Is(err, io.EOF) {
				t.Errorf("a closed connection: %v", err)
			}
		})
	}
}

func TestIPv6(t *testing.T) {
	l, err := Listen("::1:0", "/mesh", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, l)
	near, far := meet(t, l, newDialer(t, address(l, "/mesh"), "", nil))
	if err := near.WriteFrames(batchOf(3)); err != nil {
		t.Fatal(err)
	}
	expect(t, far, batchOf(3))
}

// counting counts what reaches the socket.
type counting struct {
	net.Conn
	writes, bytes atomic.Int64
}

func (c *counting) Write(p []byte) (int, error) {
	c.writes.Add(1)
	c.bytes.Add(int64(len(p)))
	return c.Conn.Write(p)
}

func TestABatchIsOneWrite(t *testing.T) {
	near, far := plain(t)
	for _, ends := range [][2]*Conn{{near, far}, {far, near}} {
		count := &counting{Conn: ends[0].stream.Conn}
		ends[0].stream.Conn = count
		for range 2 {
			batch := batchOf(100, 1200, 60000, 3, 4097)
			if err := ends[0].WriteFrames(batch); err != nil {
				t.Fatal(err)
			}
			expect(t, ends[1], batch)
		}
		if n := count.writes.Load(); n != 2 {
			t.Errorf("%d writes", n)
		}
		if err := ends[0].WriteFrames(batchOf(60000, 60000, 60000)); err != nil || count.writes.Load() != 4 {
			t.Errorf("%v, %d writes", err, count.writes.Load())
		}
		expect(t, ends[1], batchOf(60000, 60000, 60000))
	}
}

func TestCloseWakesReaderAndWriter(t *testing.T) {
	for _, side := range []string{"dialer", "listener"} {
		probe.NoGoroutineLeft(t, func() {
			l := listen(t, "", nil)
			near, far := meet(t, l, newDialer(t, address(l, ""), "", nil))
			closed(t, l) // what was accepted stays
			if side == "listener" {
				near, far = far, near
			}
			ends := make(chan error, 2)
			go func() {
				_, err := near.ReadFrame()
				ends <- err
			}()
			go func() { // nobody reads at the far end
				var err error
				for err == nil {
					err = near.WriteFrames(batchOf(MaxFrame))
				}
				ends <- err
			}()
			closed(t, near)
			closed(t, near)
			for range 2 {
				select {
				case err := <-ends:
					if !errors.Is(err, net.ErrClosed) {
						t.Errorf("%s: %v", side, err)
					}
				case <-time.After(patience):
					t.Fatal("still blocked")
				}
			}
			closed(t, far)
		})
	}
}

// BenchmarkConn moves batches of frames over loopback.
func BenchmarkConn(b *testing.B) {
	ca := authority.New(b)
	for name, c := range map[string]struct{ server, client *tls.Config }{
		"plain": {}, "tls": {ca.Server(b), ca.Client()},
	} {
		for _, side := range []string{"dialled", "accepted"} {
			b.Run(name+"/"+side, func(b *testing.B) {
				l := listen(b, "/", c.server)
				near, far := meet(b, l, newDialer(b, address(l, ""), "", c.client))
				if side == "accepted" {
					near, far = far, near
				}
				benchmark(b, near, far)
			})
		}
	}
}

// benchmark writes at the end called near.
func benchmark(b *testing.B, near, far *Conn) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			f, err := far.ReadFrame()
			if err != nil {
				return
			}
			f.Free()
		}
	}()
	const size, count = 1200, 54 // what a link takes at once
	batch := make([]*frame.Buf, count)
	for i := range batch {
		batch[i] = frame.New(size)
	}
	b.SetBytes(size * count)
	b.ReportAllocs()
	for b.Loop() {
		if err := near.WriteFrames(batch); err != nil {
			b.Fatal(err)
		}
	}
	closed(b, near)
	<-done
}
