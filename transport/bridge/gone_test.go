package bridge

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// local returns both ends of a connection over a Unix socket.
func local(t *testing.T) (near, far *net.UnixConn) {
	t.Helper()
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	d, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	near, far = c.(*net.UnixConn), d.(*net.UnixConn)
	for _, c := range []*net.UnixConn{near, far} {
		if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	return near, far
}

// A client that is gone needs no answer; what it has said still arrives.
func TestAGoneClientEndsTheWayBack(t *testing.T) {
	left, a := local(t)
	b, right := link(t)
	end := join(t, a, b)
	if _, err := left.Write([]byte("all I wanted to say")); err != nil {
		t.Fatal(err)
	}
	if err := left.Close(); err != nil {
		t.Fatal(err)
	}
	if err := ended(t, end); err != nil { // the far end has said nothing, and closed nothing
		t.Fatal(err)
	}
	if text, err := io.ReadAll(right); err != nil || string(text) != "all I wanted to say" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestAClientThatWaitsIsNotGone(t *testing.T) {
	left, a := local(t)
	b, right := link(t)
	end := join(t, a, b)
	if err := left.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(right); err != nil || len(text) != 0 {
		t.Fatalf("%q, %v", text, err)
	}
	if err := left.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := left.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the way back has ended: %v", err)
	}
	if err := left.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := right.Write([]byte("late")); err != nil {
		t.Fatal(err)
	}
	if err := right.Close(); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(left); err != nil || string(text) != "late" {
		t.Errorf("%q, %v", text, err)
	}
	if err := ended(t, end); err != nil {
		t.Fatal(err)
	}
}
