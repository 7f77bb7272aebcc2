package udp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"receptor/test/probe"
	"receptor/transport"
	"receptor/transport/frame"
)

const patience = 10 * time.Second

func closed(t testing.TB, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func listen(t testing.TB, addr string) *Listener {
	t.Helper()
	l, err := Listen(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, l) })
	return l
}

func dial(t testing.TB, addr string) *Conn {
	t.Helper()
	d, err := NewDialer(addr)
	if err != nil {
		t.Fatal(err)
	}
	c, err := d.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, c) })
	return c.(*Conn)
}

// meet returns both ends of a link on loopback.
func meet(t testing.TB, l *Listener) (near *Conn, far transport.Conn) {
	t.Helper()
	near = dial(t, l.Addr())
	write(t, near, "hello")
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	read(t, far, "hello")
	return near, far
}

func write(t testing.TB, c transport.Conn, messages ...string) {
	t.Helper()
	var batch []*frame.Buf
	for _, m := range messages {
		batch = append(batch, frame.Copy([]byte(m)))
	}
	if err := c.WriteFrames(batch); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, c transport.Conn, messages ...string) {
	t.Helper()
	for i, want := range messages {
		f, err := c.ReadFrame()
		if err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
		if got := string(f.Bytes()); got != want {
			t.Fatalf("message %d: %d bytes %.20q, want %d bytes %.20q", i, len(got), got, len(want), want)
		}
		f.Free()
	}
}

func batchOf(sizes ...int) []*frame.Buf {
	var batch []*frame.Buf
	for i, n := range sizes {
		batch = append(batch, frame.Copy(bytes.Repeat([]byte{byte(i + 1)}, n)))
	}
	return batch
}

// sizes are those at which runs begin and end; one is a single packet of its own.
var sizes = []int{1, 1200, 1200, 1200, 40, 1200, 1200, 1400, 7, 7, 30000, 30000, 30000, MaxFrame, 3, 0, 3, 2}

func TestBothWays(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0", "::1:0"} {
		t.Run(addr, func(t *testing.T) {
			near, far := meet(t, listen(t, addr))
			for _, ends := range [][2]transport.Conn{{near, far}, {far, near}} {
				batch := batchOf(sizes...)
				if err := ends[0].WriteFrames(batch); err != nil {
					t.Fatal(err)
				}
				for i, want := range batch {
					if want.Len() > 0 { // an empty message is not sent
						t.Logf("message %d", i)
						read(t, ends[1], string(want.Bytes()))
					}
				}
			}
			if far.RemoteAddr() != near.conn.LocalAddr().String() || near.RemoteAddr() != near.conn.RemoteAddr().String() {
				t.Errorf("%s, %s", far.RemoteAddr(), near.RemoteAddr())
			}
			if near.Dropped() != 0 || far.(*link).Dropped() != 0 {
				t.Error("messages were dropped")
			}
		})
	}
}

// TestWildcard is reached by both families; an IPv4 neighbour is named as such.
func TestWildcard(t *testing.T) {
	l := listen(t, "0.0.0.0:0")
	_, port, err := net.SplitHostPort(l.Addr())
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "::1"} {
		near := dial(t, net.JoinHostPort(host, port))
		write(t, near, "hello")
		far, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if far.RemoteAddr() != near.conn.LocalAddr().String() {
			t.Error(far.RemoteAddr())
		}
		write(t, far, "a", "a", "answer")
		read(t, near, "a", "a", "answer")
	}
}

func TestTooLongIsRefusedBeforeAnythingIsSent(t *testing.T) {
	near, far := meet(t, listen(t, "127.0.0.1:0"))
	for _, c := range []transport.Conn{near, far} {
		err := c.WriteFrames(batchOf(10, MaxFrame+1))
		want := "message of 65508 bytes to " + c.RemoteAddr() + ": longer than the 65507 bytes of a UDP packet"
		if !errors.Is(err, ErrTooLong) || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	write(t, near, "next")
	read(t, far, "next")
}

func TestEmptyDatagramsAreNothing(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	near := dial(t, l.Addr())
	if _, err := near.conn.Write(nil); err != nil {
		t.Fatal(err)
	}
	write(t, near, "first")
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := near.conn.Write(nil); err != nil {
		t.Fatal(err)
	}
	write(t, near, "second")
	read(t, far, "first", "second")
	if _, err := l.conn.WriteTo(nil, near.conn.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	write(t, far, "", "back")
	read(t, near, "back")
}

func TestNobodyThereIsAnError(t *testing.T) {
	gone, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed(t, gone)
	c := dial(t, gone.Addr())
	write(t, c, "anybody?")
	if _, err := c.ReadFrame(); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Error(err)
	}
}

func TestAClosedLinkForgetsTheAddress(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	near, far := meet(t, l)
	ended := make(chan error, 1)
	go func() {
		_, err := far.ReadFrame()
		ended <- err
	}()
	closed(t, far)
	closed(t, far)
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	if err := far.WriteFrames(batchOf(1)); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	read(t, near, farewellText)  // only once
	write(t, near, farewellText) // a reject begins nothing
	write(t, near, "again")
	again, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	read(t, again, "again")
	if n := l.Dropped(); n != 1 {
		t.Errorf("%d dropped", n)
	}
	closed(t, far) // an old link's end is not the new one's
	write(t, near, "still")
	read(t, again, "still")
}

// TestASlowLinkBlocksNobody: one is never read; what there is no room for is
// counted.
func TestASlowLinkBlocksNobody(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	flood, slow := meet(t, l)
	near, far := meet(t, l)
	for i := range 2 * maxInbox / least {
		write(t, flood, "flood")
		if i%100 == 0 { // the socket is read as fast as it is written
			write(t, near, "ping")
			read(t, far, "ping")
			write(t, far, "pong")
			read(t, near, "pong")
		}
	}
	write(t, near, "last")
	read(t, far, "last")
	box := slow.(*link).inbox
	box.mu.Lock()
	defer box.mu.Unlock()
	if box.memory > maxInbox || len(box.frames) != maxInbox/least || slow.(*link).Dropped() == 0 {
		t.Errorf("%d bytes in %d frames, %d dropped", box.memory, len(box.frames), slow.(*link).Dropped())
	}
}

func TestLinksAreBounded(t *testing.T) {
	l := &Listener{links: map[addrPort]*link{}, waiting: make(chan *link, maxWaiting)}
	for i := range maxLinks + 10 {
		from := loopback(i)
		if c := l.find(from, datagrams{rest: []byte{1}}); (c != nil) != (i < maxLinks) {
			t.Fatalf("address %d: %v", i, c)
		}
		if i%maxWaiting == maxWaiting-1 {
			for range min(maxWaiting, len(l.waiting)) {
				<-l.waiting
			}
		}
	}
	if l.Dropped() != 10 {
		t.Error(l.Dropped())
	}
	l.links = map[addrPort]*link{}
	for i := range maxWaiting + 1 {
		if c := l.find(loopback(i), datagrams{rest: []byte{1}}); (c != nil) != (i < maxWaiting) {
			t.Fatalf("unaccepted %d: %v", i, c)
		}
	}
	if len(l.links) != maxWaiting {
		t.Errorf("%d links are kept, of which nobody knows", len(l.links))
	}
}

const farewellText = "\x03[]"

func TestWhoClosesTakesLeave(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	near, far := meet(t, l)
	closed(t, near)
	read(t, far, farewellText)

	one, _ := meet(t, l)
	other, _ := meet(t, l)
	closed(t, l)
	for _, c := range []*Conn{one, other} {
		read(t, c, farewellText)
		closed(t, c) // nobody is there any more
	}
}

func TestCloseWakesAllAndLeavesNothing(t *testing.T) {
	probe.NoGoroutineLeft(t, func() {
		l, err := Listen("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		near, far := meet(t, l)
		ends := make(chan error, 3)
		for _, c := range []transport.Conn{near, far} {
			go func() {
				f, err := c.ReadFrame()
				for ; err == nil; f, err = c.ReadFrame() { // the other one takes leave
					f.Free()
				}
				ends <- err
			}()
		}
		go func() {
			_, err := l.Accept()
			ends <- err
		}()
		closed(t, near)
		closed(t, near)
		closed(t, l)
		closed(t, l)
		for range 3 {
			select {
			case err := <-ends:
				if !errors.Is(err, net.ErrClosed) {
					t.Error(err)
				}
			case <-time.After(patience):
				t.Fatal("still blocked")
			}
		}
		if err := far.WriteFrames(batchOf(1)); !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
}

func TestNamesAndErrors(t *testing.T) {
	for addr, want := range map[string]string{
		"10.0.0.1:2222": "udp-peer:10.0.0.1:2222",
		"::1:2222":      "udp-peer:[::1]:2222",
		"foo":           "address foo: missing port in address",
	} {
		d, err := NewDialer(addr)
		if got := fmt.Sprint(err); err != nil && got != want || err == nil && d.Name() != want {
			t.Errorf("%s: %s, %v", addr, want, err)
		}
	}
	if got := ListenerName("::1:80"); got != "udp-listener:[::1]:80" {
		t.Error(got)
	}
	l := listen(t, "127.0.0.1:0")
	for addr, want := range map[string]string{
		l.Addr():          "listen udp " + l.Addr() + ": bind: address already in use",
		"127.0.0.1:70000": "listen udp: address 70000: invalid port",
		"127.0.0.1":       "address 127.0.0.1: missing port in address",
	} {
		if _, err := Bind(addr).Open(); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", addr, err, want)
		}
	}
	d, err := NewDialer("nosuchhost.invalid:1")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Dial(ctx); err == nil || !strings.HasPrefix(err.Error(), "dial udp") {
		t.Error(err)
	}
}
