package ws

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"

	"receptor/test/probe"
)

// TestControlFramesWaitForNobody: the reader answers pings while the far end does
// not read; at some point that is enough.
func TestControlFramesWaitForNobody(t *testing.T) {
	probe.NoGoroutineLeft(t, func() {
		near, far := net.Pipe()
		s := newStream(near, near)
		pong := append([]byte{0x8a, 125}, make([]byte, 125)...)
		var err error
		n := 0
		for ; err == nil; n++ {
			_, err = s.Write(pong)
		}
		if !errors.Is(err, errNotReading) || n < maxControl/len(pong) || n > 2*maxControl/len(pong)+3 { // one part is being written
			t.Errorf("%d: %v", n, err)
		}
		closed(t, far)
		s.hold() // waits for the goroutine, which closes the stream
		if _, err := s.Write(pong); err != nil {
			t.Error(err)
		}
		if err := s.release(); !errors.Is(err, io.ErrClosedPipe) {
			t.Error(err)
		}
	})
}

// TestControlFramesJoinABatch that is being collected or written.
func TestControlFramesJoinABatch(t *testing.T) {
	near, far := net.Pipe()
	defer closed(t, near)
	s := newStream(near, near)
	write := func(text string) {
		t.Helper()
		if n, err := s.Write([]byte(text)); n != len(text) || err != nil {
			t.Fatal(n, err)
		}
	}
	s.hold()
	write("data")
	write("pong")
	if s.held() != 8 {
		t.Error(s.held())
	}
	released := make(chan error, 1)
	go func() { released <- s.release() }()
	got := make([]byte, 8)
	if _, err := io.ReadFull(far, got[:1]); err != nil {
		t.Fatal(err)
	}
	write("late") // the batch is on its way
	if _, err := io.ReadFull(far, got[1:]); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, []byte("datapong")) {
		t.Errorf("%q", got)
	}
	if _, err := io.ReadFull(far, got[:4]); err != nil || string(got[:4]) != "late" {
		t.Errorf("%q, %v", got[:4], err)
	}
	if err := <-released; err != nil {
		t.Error(err)
	}
}
