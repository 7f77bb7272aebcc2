package bridge

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"receptor/transport"
)

// link returns both ends of a TCP connection on loopback.
func link(t testing.TB) (near, far *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			t.Error(err)
		}
		accepted <- c
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	near, far = c.(*net.TCPConn), (<-accepted).(*net.TCPConn)
	for _, c := range []*net.TCPConn{near, far} {
		if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	return near, far
}

// bridged returns the outer ends of two connections whose inner ends are bridged.
func bridged(t testing.TB) (left, right *net.TCPConn, end chan error) {
	left, a := link(t)
	b, right := link(t)
	return left, right, join(t, a, b)
}

// join bridges two connections, which have all the time in the world: what ends them
// is the bridge, or their far ends.
func join(t testing.TB, a, b transport.StreamConn) (end chan error) {
	t.Helper()
	for _, c := range []net.Conn{a, b} {
		if err := c.SetDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	end = make(chan error, 1)
	go func() { end <- Bridge(a, b, nil) }()
	return end
}

// ended waits for the end of a bridge.
func ended(t testing.TB, end <-chan error) error {
	t.Helper()
	select {
	case err := <-end:
		return err
	case <-time.After(10 * time.Second):
		t.Fatal("the bridge does not end")
		return nil
	}
}

func TestEndOfInputLeavesTheWayBackOpen(t *testing.T) {
	left, right, end := bridged(t)
	sent := make([]byte, 3<<20)
	rand.Read(sent)
	go func() {
		if _, err := left.Write(sent); err != nil {
			t.Error(err)
		}
		if err := left.CloseWrite(); err != nil {
			t.Error(err)
		}
	}()
	got, err := io.ReadAll(right)
	if err != nil || !bytes.Equal(got, sent) {
		t.Fatalf("%d bytes of %d, %v", len(got), len(sent), err)
	}
	if _, err := right.Write([]byte("answer")); err != nil {
		t.Fatal(err)
	}
	if err := right.Close(); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(left)
	if err != nil || string(answer) != "answer" {
		t.Fatalf("%q, %v", answer, err)
	}
	if err := ended(t, end); err != nil {
		t.Fatal(err)
	}
}

func TestABrokenSourceIsNoCleanEnd(t *testing.T) {
	left, right, end := bridged(t)
	if _, err := left.Write([]byte("part")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(right, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	Abort(left)
	if n, err := right.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("read %d bytes, %v; want a reset", n, err)
	}
	if err := ended(t, end); err == nil {
		t.Fatal("the bridge reports no error")
	}
}

func TestAnAnswerSurvivesAReaderWhoStopped(t *testing.T) {
	left, right, end := bridged(t)
	if _, err := right.Write([]byte("enough")); err != nil {
		t.Fatal(err)
	}
	if err := right.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if err := right.CloseRead(); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(left)
	if err != nil || string(answer) != "enough" {
		t.Fatalf("%q, %v", answer, err)
	}
	if err := left.Close(); err != nil {
		t.Fatal(err)
	}
	if err := ended(t, end); err != nil {
		t.Fatal(err)
	}
}

var errBroken = errors.New("broken")

type brokenSource struct{ *net.TCPConn }

func (brokenSource) Read([]byte) (int, error) { return 0, errBroken }

// What went wrong first is told, not what followed from it in the other direction.
func TestTheCauseIsTold(t *testing.T) {
	for range 50 {
		_, a := link(t)
		b, _ := link(t)
		if err := Bridge(a, brokenSource{b}, nil); !errors.Is(err, errBroken) {
			t.Fatal(err)
		}
	}
}
