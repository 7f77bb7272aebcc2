package bridge

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
)

// stream behaves as those of the mesh: it can be aborted, waits for input without a
// buffer, says when its far end reads no more, and can't be read after CloseRead.
type stream struct {
	*net.TCPConn
	unread            chan struct{}
	readErr, writeErr error
	waits             atomic.Int32
	aborts, deaf      atomic.Int32
}

// streamed returns a stream, and the far end of its connection.
func streamed(t *testing.T) (*stream, *net.TCPConn) {
	near, far := link(t)
	return &stream{TCPConn: near, unread: make(chan struct{})}, far
}

func (s *stream) Read(b []byte) (int, error) {
	if s.readErr != nil {
		return 0, s.readErr
	}
	return s.TCPConn.Read(b)
}

func (s *stream) Write(b []byte) (int, error) {
	if s.writeErr != nil {
		return 0, s.writeErr
	}
	return s.TCPConn.Write(b)
}

func (s *stream) AwaitInput()             { s.waits.Add(1) }
func (s *stream) Unread() <-chan struct{} { return s.unread }

func (s *stream) Abort() {
	s.aborts.Add(1)
	_ = s.SetLinger(0)
	_ = s.Close()
}

func (s *stream) CloseRead() error {
	s.deaf.Add(1)
	return s.SetReadDeadline(longAgo)
}

func TestABrokenStreamBreaksBothSidesOff(t *testing.T) {
	a, left := streamed(t)
	b, right := streamed(t)
	a.readErr = errBroken
	if err := ended(t, join(t, a, b)); !errors.Is(err, errBroken) || !strings.HasPrefix(err.Error(), "read from ") {
		t.Errorf("the bridge reports %v", err)
	}
	for name, far := range map[string]net.Conn{"left": left, "right": right} {
		if n, err := far.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%s: read %d bytes, %v; want a reset", name, n, err)
		}
	}
	if a.aborts.Load() == 0 || b.aborts.Load() == 0 {
		t.Error("a stream was closed, as if all was well")
	}
}

// Whom nobody can write to may still have something to say; who writes to them hears
// that it is in vain.
func TestAStreamThatTakesNothingIsStillHeard(t *testing.T) {
	a, left := streamed(t)
	b, right := streamed(t)
	b.writeErr = errBroken
	end := join(t, a, b)
	if _, err := left.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := right.Write([]byte("the answer")); err != nil {
		t.Fatal(err)
	}
	if err := right.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(left); err != nil || string(text) != "the answer" {
		t.Errorf("%q, %v", text, err)
	}
	if err := ended(t, end); !errors.Is(err, errBroken) || !strings.HasPrefix(err.Error(), "write to ") {
		t.Errorf("the bridge reports %v", err)
	}
	if a.deaf.Load() != 1 || a.waits.Load() == 0 {
		t.Errorf("told %d times that nothing is read, waited %d times for input", a.deaf.Load(), a.waits.Load())
	}
}

// That the way back can't be read any more, once nobody wants what comes on it, is no
// error.
func TestAStreamThatIsNotReadEndsTheWayBack(t *testing.T) {
	a, left := streamed(t)
	b, right := streamed(t)
	end := join(t, a, b)
	if err := left.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(right); err != nil || len(text) != 0 {
		t.Fatalf("%q, %v", text, err)
	}
	close(a.unread)
	if err := ended(t, end); err != nil {
		t.Errorf("the bridge reports %v", err)
	}
	if b.deaf.Load() != 1 || a.aborts.Load()+b.aborts.Load() != 0 {
		t.Errorf("told %d times that nothing is read, aborts %d and %d", b.deaf.Load(), a.aborts.Load(), b.aborts.Load())
	}
}

func TestBothEndsOfInputAreEnough(t *testing.T) {
	a, left := streamed(t)
	b, right := streamed(t)
	end := join(t, a, b)
	for _, far := range []*net.TCPConn{left, right} {
		if err := far.CloseWrite(); err != nil {
			t.Fatal(err)
		}
	}
	if err := ended(t, end); err != nil {
		t.Errorf("the bridge reports %v", err)
	}
}

// veiled ends its output as TLS does: its socket does not know.
type veiled struct{ *net.TCPConn }

func (veiled) CloseWrite() error { return nil }

func TestBothEndsOfInputAreEnoughBeneathTLS(t *testing.T) {
	near, left := link(t)
	b, right := streamed(t)
	end := join(t, veiled{near}, b)
	if err := left.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(right); err != nil || len(text) != 0 {
		t.Fatalf("%q, %v", text, err)
	}
	if err := right.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if err := ended(t, end); err != nil {
		t.Errorf("the bridge reports %v", err)
	}
}
