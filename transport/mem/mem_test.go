package mem

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"testing/synctest"

	"receptor/transport"
	"receptor/transport/frame"
)

func write(t *testing.T, c transport.Conn, msgs ...string) {
	t.Helper()
	for _, m := range msgs {
		if err := c.WriteFrames([]*frame.Buf{frame.Copy([]byte(m))}); err != nil {
			t.Fatal(err)
		}
	}
}

func read(t *testing.T, c transport.Conn, want string) {
	t.Helper()
	f, err := c.ReadFrame()
	if err != nil || string(f.Bytes()) != want {
		t.Fatalf("%v, %v, want %q", f, err, want)
	}
}

func fails(t *testing.T, want error, err error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%v, want %v", err, want)
	}
}

func readErr(c transport.Conn) error {
	_, err := c.ReadFrame()
	return err
}

func TestCloseIsSeenAfterWhatWasWritten(t *testing.T) {
	a, b := Pipe("a", "b")
	write(t, a, "1", "2")
	for range 2 {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
	read(t, b, "1")
	read(t, b, "2")
	fails(t, io.EOF, readErr(b))
	fails(t, io.ErrClosedPipe, b.WriteFrames([]*frame.Buf{frame.Copy(nil)}))
	fails(t, net.ErrClosed, readErr(a))
	fails(t, net.ErrClosed, a.WriteFrames([]*frame.Buf{frame.Copy(nil)}))
	if a.RemoteAddr() != "b" || b.RemoteAddr() != "a" {
		t.Error(a.RemoteAddr(), b.RemoteAddr())
	}
}

func TestPipeIsBoundedAndCloseWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe("a", "b")
		ends := make(chan error, 2)
		go func() {
			var err error
			for err == nil {
				err = a.WriteFrames([]*frame.Buf{frame.Copy([]byte("x"))})
			}
			ends <- err
		}()
		go func() { ends <- readErr(a) }()
		synctest.Wait()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		fails(t, net.ErrClosed, <-ends)
		fails(t, net.ErrClosed, <-ends)
		n := 0
		for ; readErr(b) == nil; n++ {
		}
		if n != pipeFrames {
			t.Errorf("%d frames were held", n)
		}
	})
}

func TestCutAndHeal(t *testing.T) {
	n := NewNetwork()
	l, err := n.Listen("b")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Listen("b"); !errors.Is(err, syscall.EADDRINUSE) {
		t.Error(err)
	}
	d := n.Dialer("a", "b")
	near, err := d.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	n.Mute("b", "a")
	write(t, near, "lost")
	n.Heal("a", "b")
	write(t, near, "kept")
	read(t, far, "kept")

	n.Cut("b", "a")
	fails(t, syscall.ECONNRESET, readErr(near))
	fails(t, syscall.ECONNRESET, readErr(far))
	if _, err := d.Dial(t.Context()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Error(err)
	}
	n.Heal("a", "b")
	waiting, err := d.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	fails(t, io.EOF, readErr(waiting))
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	if n.Dialled() != 3 {
		t.Error(n.Dialled())
	}
}
