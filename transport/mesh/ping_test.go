package mesh

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"receptor/transport/wire"
)

func TestPing(t *testing.T) {
	w := chain(t, "a", "b", "c")
	for _, tc := range []struct {
		target  string
		hops    byte
		from    string
		problem string
	}{
		{"c", 30, "c", ""},
		{"b", 1, "b", ""},
		{"a", 30, "a", ""},
		{"LocalHost", 30, "a", ""},
		{"c", 0, "a", wire.ProblemExpired},
		{"c", 1, "b", wire.ProblemExpired},
		{"c", 2, "c", ""},
		{"nowhere", 30, "a", "no route to node"},
	} {
		t.Run(fmt.Sprintf("%s/%d", tc.target, tc.hops), func(t *testing.T) {
			r := w.planes["a"].Ping(t.Context(), tc.target, tc.hops)
			if r.From != tc.from || r.Problem != tc.problem || r.Took <= 0 {
				t.Errorf("got %+v, want from %s problem %q", r, tc.from, tc.problem)
			}
		})
	}
}

func TestPingTimesOutAndIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Config{NodeID: "a"})
		hole := NewQueue(DefaultQueueBytes)
		p.Attach("b", hole)
		p.Publish(Routes{NextHop: map[string]string{"b": "b"}, Names: []string{"a", "b"}})
		if r := p.Ping(t.Context(), "b", 30); r.Problem != ProblemTimeout || r.Took != PingTimeout {
			t.Errorf("got %+v", r)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		time.AfterFunc(time.Second, cancel)
		if r := p.Ping(ctx, "b", 30); r.Problem != ProblemCancelled {
			t.Errorf("got %+v", r)
		}
		hole.Close()
	})
}

func TestLostProbeIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := New(Config{NodeID: "a"}), New(Config{NodeID: "b"})
		hole, way, back := NewQueue(DefaultQueueBytes), NewQueue(DefaultQueueBytes), NewQueue(DefaultQueueBytes)
		routes := Routes{NextHop: map[string]string{"a": "a", "b": "b"}, Names: []string{"a", "b"}}
		a.Attach("b", hole)
		a.Publish(routes)
		b.Attach("a", back)
		b.Publish(routes)
		carry := func(q *Queue, to *Plane) {
			for {
				batch, err := q.TakeBatch(nil)
				if err != nil {
					return
				}
				for _, f := range batch {
					to.Receive(f)
				}
			}
		}
		go carry(way, b)
		go carry(back, a)
		time.AfterFunc(time.Second, func() { a.Attach("b", way) })
		if r := a.Ping(t.Context(), "b", 30); r.Problem != "" || r.Took < time.Second || r.Took > 2*time.Second {
			t.Errorf("got %+v", r)
		}
		for _, q := range []*Queue{hole, way, back} {
			q.Close()
		}
	})
}

// A probe has to get its timeout, and its chance, behind a link that stands still.
func TestPingDoesNotWaitForAStalledLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Config{NodeID: "a"})
		stalled := NewQueue(8 << 10)
		defer stalled.Close()
		p.Attach("b", stalled)
		p.Publish(Routes{NextHop: map[string]string{"b": "b"}, Names: []string{"a", "b"}})
		bulk, err := p.Listen("", SocketOptions{Lossy: true})
		if err != nil {
			t.Fatal(err)
		}
		defer bulk.Close()
		go func() {
			for {
				if _, err := bulk.WriteTo(make([]byte, 1000), Addr{Node: "b", Service: "bulk"}); err != nil {
					return
				}
			}
		}()
		synctest.Wait()
		if r := p.Ping(t.Context(), "b", 30); r.Problem != ProblemTimeout || r.Took != PingTimeout {
			t.Errorf("got %+v", r)
		}
		bulk.Close()
		stalled.Close()
	})
}

func TestRouteLostInTransitIsReported(t *testing.T) {
	w := chain(t, "a", "b", "c")
	w.planes["b"].Publish(Routes{NextHop: map[string]string{"a": "a"}, Names: []string{"a", "b", "c"}})
	if r := w.planes["a"].Ping(t.Context(), "c", 30); r.From != "b" || r.Problem != ProblemNoRoute {
		t.Errorf("got %+v", r)
	}
}
