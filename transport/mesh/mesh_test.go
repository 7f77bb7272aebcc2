package mesh

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"receptor/transport/frame"
	"receptor/transport/wire"
)

// wires joins planes with queues whose writers feed the next plane's Receive, as
// links do.
type wires struct {
	t      *testing.T
	planes map[string]*Plane
	queues []*Queue
	done   sync.WaitGroup
}

func newWires(t *testing.T, names ...string) *wires {
	w := &wires{t: t, planes: map[string]*Plane{}}
	for _, n := range names {
		w.planes[n] = New(Config{NodeID: n})
	}
	t.Cleanup(func() {
		for _, q := range w.queues {
			q.Close()
		}
		w.done.Wait()
	})
	return w
}

func (w *wires) join(a, b string) {
	w.half(a, b)
	w.half(b, a)
}

func (w *wires) half(from, to string) {
	q := NewQueue(DefaultQueueBytes)
	w.queues = append(w.queues, q)
	w.planes[from].Attach(to, q)
	w.done.Go(func() {
		for {
			batch, err := q.TakeBatch(nil)
			if err != nil {
				return
			}
			for _, f := range batch {
				w.planes[to].Receive(f)
			}
		}
	})
}

// chain joins the planes in a row and publishes the routes.
func chain(t *testing.T, names ...string) *wires {
	w := newWires(t, names...)
	for i := range len(names) - 1 {
		w.join(names[i], names[i+1])
	}
	for i, n := range names {
		next := map[string]string{}
		for j, other := range names {
			switch {
			case j < i:
				next[other] = names[i-1]
			case j > i:
				next[other] = names[i+1]
			}
		}
		w.planes[n].Publish(Routes{NextHop: next, Names: names})
	}
	return w
}

func TestSocketsExchangeDatagrams(t *testing.T) {
	w := chain(t, "a", "b", "c")
	server, err := w.planes["c"].Listen("echo", SocketOptions{})
	if err != nil {
		t.Fatal(err)
	}
	client, err := w.planes["a"].Listen("", SocketOptions{})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		b := make([]byte, 2000)
		for {
			n, from, err := server.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = server.WriteTo(b[:n], from) // the client notices
		}
	}()
	payload := strings.Repeat("x", 1452)
	for range 100 {
		if _, err := client.WriteTo([]byte(payload), Addr{Node: "c", Service: "echo"}); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 2000)
		if err := client.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, from, err := client.ReadFrom(b)
		if err != nil {
			t.Fatal(err)
		}
		if string(b[:n]) != payload || from.String() != "c:echo" {
			t.Fatalf("got %d bytes from %s", n, from)
		}
	}
	server.Close()
	client.Close()
	if _, err := client.WriteTo(nil, Addr{Node: "c", Service: "echo"}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("write to a closed socket: %v", err)
	}
}

func TestServiceUnknownReachesTheSocket(t *testing.T) {
	w := chain(t, "a", "b")
	got := make(chan string, 1)
	s, err := w.planes["a"].Listen("", SocketOptions{OnUnreachable: func(u wire.Unreachable, from string) {
		got <- from + ": " + u.ToService + ": " + u.Problem
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.WriteTo([]byte("hello"), Addr{Node: "b", Service: "nothing"}); err != nil {
		t.Fatal(err)
	}
	if notice := <-got; notice != "b: nothing: service unknown" {
		t.Errorf("got %q", notice)
	}
}

func TestListenErrors(t *testing.T) {
	p := New(Config{NodeID: "a"})
	s, err := p.Listen("one", SocketOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"one": "service one is already listening", "ping": "service ping is already listening",
		"unreach": "service unreach is already listening", "ninechars": "service name ninechars too long (at most 8 bytes)",
	} {
		if _, err := p.Listen(name, SocketOptions{}); err == nil || err.Error() != want {
			t.Errorf("listen %s: %v, want %s", name, err, want)
		}
	}
	s.Close()
	if s, err = p.Listen("one", SocketOptions{}); err != nil {
		t.Errorf("after close: %v", err)
	}
	s.Close()
}

func TestWaitForRoute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Config{NodeID: "a"})
		q := NewQueue(DefaultQueueBytes)
		defer q.Close()
		time.AfterFunc(time.Minute, func() { p.Attach("b", q) })
		time.AfterFunc(time.Hour, func() { p.Publish(Routes{NextHop: map[string]string{"c": "b"}}) })
		begin := time.Now()
		if err := p.WaitForRoute(t.Context(), "c"); err != nil || time.Since(begin) != time.Hour {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := p.WaitForRoute(ctx, "d"); !errors.Is(err, ErrNoRoute) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

// Who looks for a route right after the end of a link gets the other one.
func TestFindRouteAfterALinkHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Config{NodeID: "a"})
		direct, round := NewQueue(DefaultQueueBytes), NewQueue(DefaultQueueBytes)
		defer direct.Close()
		defer round.Close()
		finds := func(node string, want bool, after time.Duration) {
			t.Helper()
			begin := time.Now()
			if got := p.FindRoute(t.Context(), node); got != want || time.Since(begin) != after {
				t.Errorf("route to %s: %v after %v, want %v after %v", node, got, time.Since(begin), want, after)
			}
		}
		p.Attach("b", round)
		p.Attach("c", direct)
		p.Publish(Routes{NextHop: map[string]string{"b": "b", "c": "c"}})
		finds("c", true, 0)
		finds("d", false, 0)

		p.Detach("c", direct)
		time.AfterFunc(regroup/2, func() { p.Publish(Routes{NextHop: map[string]string{"b": "b", "c": "b"}}) })
		finds("c", true, regroup/2)
		finds("d", false, regroup/2) // the rest of it
		finds("d", false, 0)
	})
}

func TestLossySocketHidesRoutingErrors(t *testing.T) {
	p := New(Config{NodeID: "a"})
	for lossy, want := range map[bool]error{true: nil, false: ErrNoRoute} {
		s, err := p.Listen("", SocketOptions{Lossy: lossy})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.WriteTo([]byte("x"), Addr{Node: "gone", Service: "x"}); !errors.Is(err, want) {
			t.Errorf("lossy %v: %v", lossy, err)
		}
		s.Close()
	}
}

func TestReadDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Config{NodeID: "a"})
		s, err := p.Listen("", SocketOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err := s.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
				t.Fatal(err)
			}
			if _, _, err := s.ReadFrom(nil); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("got %v", err)
			}
		}
		if err := s.SetReadDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Hour, func() { s.Close() })
		if _, _, err := s.ReadFrom(nil); !errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v", err)
		}
	})
}

func TestFullRingDropsTheNewest(t *testing.T) {
	p := New(Config{NodeID: "a"})
	s, err := p.Listen("slow", SocketOptions{Ring: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range 5 {
		if _, err := s.WriteTo([]byte{byte(i)}, Addr{Node: "a", Service: "slow"}); err != nil {
			t.Fatal(err)
		}
	}
	if s.Dropped() != 3 {
		t.Errorf("dropped %d", s.Dropped())
	}
	b := make([]byte, 1)
	for want := range byte(2) {
		if _, _, err := s.ReadFrom(b); err != nil || b[0] != want {
			t.Errorf("got %d, %v", b[0], err)
		}
	}
}

func TestReceiveSurvivesGarbage(t *testing.T) {
	p := New(Config{NodeID: "a"})
	for n := range wire.HeaderLen + 2 {
		p.Receive(frame.Copy(make([]byte, n)))
	}
	if got := p.Counters().Malformed.Load(); got != wire.HeaderLen {
		t.Errorf("malformed %d", got)
	}
}

func TestForwardedHeader(t *testing.T) {
	p := New(Config{NodeID: "b"})
	q := NewQueue(DefaultQueueBytes)
	p.Attach("c", q)
	p.Publish(Routes{NextHop: map[string]string{"c": "c"}})
	msg := make([]byte, wire.HeaderLen+3)
	wire.Header{HopsToLive: 7, From: 1, To: wire.NodeHash("c")}.Put(msg)
	msg[2], msg[3] = 0xab, 0xcd
	p.Receive(frame.Copy(msg))
	batch, err := q.TakeBatch(nil)
	if err != nil || len(batch) != 1 {
		t.Fatal(len(batch), err)
	}
	if got := batch[0].Bytes(); got[1] != 6 || got[2] != 0 || got[3] != 0 {
		t.Errorf("header %x", got[:4])
	}
}

func BenchmarkForward(b *testing.B) {
	for _, size := range []int{64, 1452} {
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			p := New(Config{NodeID: "b"})
			q := NewQueue(DefaultQueueBytes)
			p.Attach("c", q)
			p.Publish(Routes{NextHop: map[string]string{"c": "c"}})
			msg := make([]byte, wire.HeaderLen+size)
			wire.Header{HopsToLive: 30, To: wire.NodeHash("c")}.Put(msg)
			batch := make([]*frame.Buf, 0, 64)
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				p.Receive(frame.Copy(msg))
				batch, _ = q.TakeBatch(batch[:0])
				for _, f := range batch {
					f.Free()
				}
			}
		})
	}
}
