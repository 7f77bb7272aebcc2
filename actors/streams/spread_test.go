package streams

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"receptor/test/probe"
	"receptor/transport"
)

func TestWhichSessionTakesAStream(t *testing.T) {
	const near, far = time.Millisecond, 100 * time.Millisecond
	full := make([]load, maxSpread)
	for i := range full {
		full[i] = load{streams: 2, minRTT: far}
	}
	full[5].streams = 1
	for name, c := range map[string]struct {
		open []load
		want int
	}{
		"none is open":                {nil, -1},
		"near, and idle":              {[]load{{0, near, 1}}, 0},
		"near, and busy":              {[]load{{900, near, 1}}, 0},
		"near, the less busy":         {[]load{{3, near, 9}, {2, near, 1}}, 1},
		"far, and idle":               {[]load{{0, far, 1}}, 0},
		"far, and busy":               {[]load{{1, far, 1}}, -1},
		"far, one is idle":            {[]load{{1, far, 9}, {0, far, 1}}, 1},
		"far, the widest of the idle": {[]load{{0, far, 5}, {0, far, 7}, {0, far, 6}}, 1},
		"far, and as many as may be":  {full, 5},
		"as far as a hair less":       {[]load{{1, farAway - 1, 1}}, 0},
		"just far":                    {[]load{{1, farAway, 1}}, -1},
	} {
		if got := choose(c.open); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

// far is for fake clocks, too.
var far = quality{delay: farAway / 2}

// Streams to a node far away have sessions of their own, one after the other takes an
// idle one, and what is more than a bound shares them.
func TestStreamsToAFarNodeHaveTheirOwnSessions(t *testing.T) {
	for _, c := range []struct {
		name             string
		streams, at, end int // sessions while they are open, and after some more
	}{
		{"few, all at once", 5, 5, 5},
		{"as many as there are sessions", maxSpread, maxSpread, maxSpread},
		{"more than that", 3 * maxSpread, maxSpread, maxSpread},
	} {
		t.Run(c.name, func(t *testing.T) {
			probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
				p := newPair(s, far)
				defer p.stop()
				go serve(p.b.listen(t, "echo"), echo(t))
				open := p.dialMany(t, c.streams)
				if n := sessions(t, s, p.a); n != c.at {
					t.Errorf("%d sessions for %d streams, want %d", n, c.streams, c.at)
				}
				for i, most := range streamsOf(p.a) {
					if most > (c.streams+c.at-1)/c.at {
						t.Errorf("session %d has %d of %d streams", i, most, c.streams)
					}
				}
				for i, stream := range open {
					if text := fmt.Sprint(i); exchange(t, stream, text) != text {
						t.Errorf("stream %d says something else", i)
					}
				}
				for range 5 {
					exchange(t, p.a.dial(t, "b", "echo"), "takes an idle one")
				}
				if n := sessions(t, s, p.a); n != c.end {
					t.Errorf("%d sessions in the end, want %d", n, c.end)
				}
				time.Sleep(idleAfter + time.Second)
				if n := sessions(t, s, p.a); n != 0 {
					t.Errorf("%d sessions are left", n)
				}
			})
		})
	}
}

// Who gives up just when the session is there leaves no stream behind that nobody has.
func TestAnAnswerThatComesTooLateIsGivenBack(t *testing.T) {
	for _, taken := range []bool{false, true} {
		w, p := newWaiters(), newPump(nil, key{})
		p.life.shared = true
		if !p.acquire() {
			t.Fatal("it takes no stream")
		}
		id, answers := w.add()
		if !w.answer(id, answer{pump: p}) {
			t.Fatal("nobody waits")
		}
		want := 0
		if taken {
			<-answers
			want = 1
		}
		w.leave(id, answers)
		if n := p.openStreams(); n != want {
			t.Errorf("taken %v: %d streams, want %d", taken, n, want)
		}
	}
}

func (p *pair) dialMany(t *testing.T, n int) []transport.StreamConn {
	t.Helper()
	var (
		all  sync.WaitGroup
		mu   sync.Mutex
		open []transport.StreamConn
	)
	for range n {
		all.Go(func() {
			c := p.a.dial(t, "b", "echo")
			mu.Lock()
			defer mu.Unlock()
			open = append(open, c)
		})
	}
	all.Wait()
	return open
}

func streamsOf(h *host) []int {
	var n []int
	for _, p := range h.net.table.all() {
		n = append(n, p.openStreams())
	}
	return n
}
