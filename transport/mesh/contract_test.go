package mesh

import (
	"errors"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"receptor/transport/frame"
)

// Any number of goroutines may read a net.PacketConn: none is left waiting while there
// is something to read.
func TestManyReadersOfOneSocket(t *testing.T) {
	const readers, rounds = 4, 100
	p := New(Config{NodeID: "a"})
	s, err := p.Listen("many", SocketOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var reading sync.WaitGroup
	defer reading.Wait()
	defer s.Close()
	seen, next := make(chan struct{}, readers), make(chan struct{}, readers)
	defer close(next)
	for range readers {
		reading.Go(func() {
			b := make([]byte, 1)
			for {
				n, from, err := s.ReadFrom(b)
				if errors.Is(err, net.ErrClosed) {
					return
				}
				if n != 1 || err != nil || from.String() != "a:many" {
					t.Errorf("read %d bytes from %v, %v", n, from, err)
				}
				seen <- struct{}{}
				<-next // each takes one in a round
			}
		})
	}
	patience := time.After(time.Minute)
	for round := range rounds {
		for range 100 * readers { // most of them come to wait
			runtime.Gosched()
		}
		for range readers {
			if _, err := s.WriteTo([]byte("x"), s.LocalAddr()); err != nil {
				t.Fatal(err)
			}
		}
		for range readers {
			select {
			case <-seen:
			case <-patience:
				t.Fatalf("round %d: a datagram is there and nobody reads it", round)
			}
		}
		for range readers {
			next <- struct{}{}
		}
	}
}

func TestAReadAfterItsDeadlineReturnsNothing(t *testing.T) {
	p := New(Config{NodeID: "a"})
	s, err := p.Listen("inbox", SocketOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.WriteTo([]byte("x"), s.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	if err := s.SetReadDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 10)
	if n, _, err := s.ReadFrom(b); n != 0 || !isTimeout(err) {
		t.Errorf("read %d bytes, %v", n, err)
	}
	if err := s.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if n, _, err := s.ReadFrom(b); n != 1 || err != nil {
		t.Errorf("later: read %d bytes, %v", n, err)
	}
}

func TestNoAddressIsAnError(t *testing.T) {
	p := New(Config{NodeID: "a"})
	s, err := p.Listen("", SocketOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, addr := range []net.Addr{nil, (*Addr)(nil), &net.UDPAddr{}, (*net.UDPAddr)(nil)} {
		var wrong *net.AddrError
		if _, err := s.WriteTo([]byte("x"), addr); !errors.As(err, &wrong) {
			t.Errorf("%#v: %v", addr, err)
		}
	}
}

func isTimeout(err error) bool {
	var failed net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) && errors.As(err, &failed) && failed.Timeout()
}

// fill has a socket of a write to b until the queue of the link, which nobody takes
// from, is full. The result is that of the write that had to wait.
func fill(t *testing.T, s *Socket) <-chan error {
	t.Helper()
	ended := make(chan error, 1)
	go func() {
		for {
			if _, err := s.WriteTo(make([]byte, 1000), Addr{Node: "b", Service: "x"}); err != nil {
				ended <- err
				return
			}
		}
	}()
	synctest.Wait()
	select {
	case err := <-ended:
		t.Fatalf("the link is never full: %v", err)
	default:
	}
	return ended
}

// The datagram that waited is not sent, and it is its own write that says so.
func TestTheWriteThatWaitedFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Config{NodeID: "a"})
		q := NewQueue(1500)
		defer q.Close()
		p.Attach("b", q)
		p.Publish(Routes{NextHop: map[string]string{"b": "b"}, Names: []string{"a", "b"}})
		s, err := p.Listen("", SocketOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.SetWriteDeadline(time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		for i, want := range []error{nil, os.ErrDeadlineExceeded} {
			if _, err := s.WriteTo(make([]byte, 1000), Addr{Node: "b", Service: "x"}); !errors.Is(err, want) {
				t.Errorf("write %d: %v, want %v", i, err, want)
			}
		}
		if n := q.Stats().QueuedFrames; n != 1 {
			t.Errorf("%d frames are queued", n)
		}
	})
}

func TestAWriteThatWaitsEndsWithItsDeadlineAndWithClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Config{NodeID: "a"})
		q := NewQueue(10_000)
		defer q.Close()
		p.Attach("b", q)
		p.Publish(Routes{NextHop: map[string]string{"b": "b"}, Names: []string{"a", "b"}})
		s, err := p.Listen("", SocketOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		ended := fill(t, s)
		if err := s.SetWriteDeadline(time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; !isTimeout(err) {
			t.Errorf("after the deadline: %v", err)
		}
		if _, err := s.WriteTo(nil, Addr{Node: "a", Service: "x"}); !isTimeout(err) {
			t.Errorf("past the deadline, with room: %v", err)
		}
		if err := s.SetWriteDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		flows := len(q.flows)
		ended = fill(t, s)
		if err := s.SetWriteDeadline(time.Now()); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; !isTimeout(err) {
			t.Errorf("at the deadline: %v", err)
		}
		if len(q.flows) != flows {
			t.Errorf("%d flows, before %d", len(q.flows), flows)
		}
		if err := s.SetDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		ended = fill(t, s)
		s.Close()
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}

// Who has a deadline does not write by itself: a link that takes nothing would keep it.
func TestAWriteWithADeadlineIsLeftToTheWriter(t *testing.T) {
	p := New(Config{NodeID: "a"})
	q := NewQueue(10_000)
	defer q.Close()
	q.Direct(func([]*frame.Buf) error {
		t.Error("written past the writer")
		return nil
	})
	p.Attach("b", q)
	p.Publish(Routes{NextHop: map[string]string{"b": "b"}, Names: []string{"a", "b"}})
	s, err := p.Listen("", SocketOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.SetWriteDeadline(time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.WriteTo([]byte("x"), Addr{Node: "b", Service: "x"}); err != nil {
		t.Fatal(err)
	}
	if n := q.Stats().QueuedFrames; n != 1 {
		t.Errorf("%d frames are left to the writer", n)
	}
}
