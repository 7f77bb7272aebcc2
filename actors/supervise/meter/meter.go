// Package meter measures what an actor does with its messages: how many wait and
// for how long, what is being handled, and how long each type takes. A meter costs
// about as much as reading the clock three times for each message.
package meter

import (
	"reflect"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// early is how many first messages have a stamp of their own. Actors that come and
	// go get no more.
	early = 3
	// slots is the number of stamps in each ring; the next ring stamps every fan-th
	// message of the one before. With half a million messages they reach to the last.
	slots  = 32
	fan    = 4
	levels = 8
	// maxTypes bounds the types that are told apart; any more are "other".
	maxTypes = 24
	// span is the least time over which a rate is taken.
	span = 5 * time.Second
)

// Meter is the measure of one actor. Its mailbox tells it what is posted, by any
// goroutine; the actor tells it what is handled; anybody may read.
// It is made for actors that live for a handful of messages: what only others need is
// made when they do.
type Meter struct {
	posted atomic.Uint64
	first  [early]atomic.Int64   // when the first messages were posted, by the clock
	later  atomic.Pointer[ring]  // when the latest ones were; nil until needed
	trace  atomic.Pointer[Trace] // nil: nobody traces the actor

	mu      sync.Mutex   // guards the rest; the actor is hardly ever disturbed
	current reflect.Type // nil between two messages
	since   time.Duration
	due     time.Duration // of the next mark; zero until the first message
	fresh   int
	latest  [4]taken // as many as are fresh, the others are in the sums
	sums    *sums    // nil until needed
}

// taken is how long a message took.
type taken struct {
	kind reflect.Type
	took time.Duration
}

// ring has the stamps of the latest messages.
type ring struct {
	stamps [slots]atomic.Int64
	more   atomic.Pointer[[levels - 1][slots]atomic.Int64] // further back with each; nil until needed
}

// epoch is where the clock of all meters begins.
var epoch = time.Now()

func clock() time.Duration { return time.Since(epoch) }

// Posted stamps a message that the mailbox gets. Those of the library itself overtake
// all others and are not stamped.
func (m *Meter) Posted() {
	n := m.posted.Add(1)
	now := int64(clock()) // zero stands for unknown
	if n <= early {
		m.first[n-1].Store(now)
		return
	}
	r := made(&m.later)
	r.stamps[n%slots].Store(now)
	if n%fan == 0 && n >= slots {
		r.stampMore(n/fan, now)
	}
}

func (r *ring) stampMore(n uint64, now int64) {
	more := made(&r.more)
	for level := range more {
		more[level][n%slots].Store(now)
		if n%fan != 0 {
			return
		}
		n /= fan
	}
}

// made is what the pointer leads to, from the first call on.
func made[T any](p *atomic.Pointer[T]) *T {
	if t := p.Load(); t != nil {
		return t
	}
	p.CompareAndSwap(nil, new(T))
	return p.Load()
}

// oldest is how long the oldest of depth messages has been waiting. With more than
// there are slots it is a little longer than said, at most by an eighth.
func (m *Meter) oldest(depth uint64) time.Duration {
	posted := m.posted.Load()
	if depth == 0 || depth > posted {
		return 0
	}
	first := posted - depth + 1
	level, width := 0, uint64(1)
	for depth >= width*slots && level < levels-1 {
		level, width = level+1, width*fan
	}
	for n := (first + width - 1) / width; n*width <= posted; n++ {
		if stamp := m.stamp(level, n); stamp != 0 {
			return max(clock()-stamp, 0)
		}
	}
	return 0
}

// stamp is when the n-th message of a ring was posted; zero if that is not known.
func (m *Meter) stamp(level int, n uint64) time.Duration {
	if level == 0 && n <= early {
		return time.Duration(m.first[n-1].Load())
	}
	r := m.later.Load()
	if r == nil {
		return 0
	}
	if level == 0 {
		return time.Duration(r.stamps[n%slots].Load())
	}
	if more := r.more.Load(); more != nil {
		return time.Duration(more[level-1][n%slots].Load())
	}
	return 0
}

// Begin says that the actor turns to a message. Without End it takes over from the
// message before.
func (m *Meter) Begin(message any) {
	m.mu.Lock()
	if m.current == nil {
		m.since = clock()
	}
	if m.current = reflect.TypeOf(message); m.due == 0 {
		m.due = m.since + span
	}
	m.mu.Unlock()
}

// End says that it is done with it, or failed.
func (m *Meter) End() {
	now := clock()
	m.mu.Lock()
	if m.current != nil {
		if m.fresh == len(m.latest) {
			m.sum()
		}
		t := &m.latest[m.fresh]
		t.kind, t.took = m.current, now-m.since
		m.fresh++
		m.current = nil
	}
	if now >= m.due {
		m.rotate(now)
	}
	m.mu.Unlock()
}
