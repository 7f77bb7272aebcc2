// Package meter measures what an actor does with its messages: how many wait and
// for how long, what is being handled, and how long each type takes. A meter costs
// about as much as reading the clock three times for each message.
package meter

import (
	"math/bits"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

const (
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
type Meter struct {
	begin  time.Time
	posted atomic.Uint64
	stamps [slots]atomic.Int64                             // when the latest messages were posted, in ns since begin
	more   atomic.Pointer[[levels - 1][slots]atomic.Int64] // the further rings; nil until needed
	trace  atomic.Pointer[Trace]                           // nil: nobody traces the actor

	mu       sync.Mutex // guards the rest; the actor is hardly ever disturbed
	handled  uint64
	types    []handling // begins in few
	few      [6]handling
	current  *handling // nil between two messages
	since    time.Duration
	old, new mark
}

// mark is a point from which a rate is taken.
type mark struct {
	at      time.Duration
	handled uint64
}

// New returns a meter that has seen nothing.
func New() *Meter {
	m := &Meter{}
	m.Start()
	return m
}

// Start makes a zero Meter one that has seen nothing.
func (m *Meter) Start() { m.begin = time.Now() }

func (m *Meter) now() time.Duration { return time.Since(m.begin) }

// MessagePosted stamps a message. System messages overtake all others and are not
// stamped.
func (m *Meter) MessagePosted(message any) {
	if _, system := message.(actor.SystemMessage); system {
		return
	}
	n := m.posted.Add(1)
	now := int64(m.now()) + 1 // zero stands for unknown
	m.stamps[n%slots].Store(now)
	if n%fan == 0 && n >= slots {
		m.stampMore(n/fan, now)
	}
}

// stampMore fills the further rings. Most actors never get that many messages.
func (m *Meter) stampMore(n uint64, now int64) {
	more := m.more.Load()
	if more == nil {
		more = new([levels - 1][slots]atomic.Int64)
		if !m.more.CompareAndSwap(nil, more) {
			more = m.more.Load()
		}
	}
	for level := range more {
		more[level][n%slots].Store(now)
		if n%fan != 0 {
			return
		}
		n /= fan
	}
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
		if stamp := m.stamp(level, n); stamp > 0 {
			return max(m.now()-stamp+1, 0)
		}
	}
	return 0
}

// stamp is when the n-th message of a ring was posted; zero if that is not known.
func (m *Meter) stamp(level int, n uint64) time.Duration {
	if level == 0 {
		return time.Duration(m.stamps[n%slots].Load())
	}
	if more := m.more.Load(); more != nil {
		return time.Duration(more[level-1][n%slots].Load())
	}
	return 0
}

// Begin says that the actor turns to a message.
func (m *Meter) Begin(message any) {
	kind := reflect.TypeOf(message)
	now := m.now()
	m.mu.Lock()
	m.current, m.since = m.handlingOf(kind), now
	m.mu.Unlock()
}

// End says that it is done with it, or failed.
func (m *Meter) End() {
	now := m.now()
	m.mu.Lock()
	m.current.add(now - m.since)
	m.current = nil
	m.handled++
	m.rotate(now)
	m.mu.Unlock()
}

// rotate keeps a mark that is between one and two spans old.
func (m *Meter) rotate(now time.Duration) {
	if now-m.new.at >= span {
		m.old, m.new = m.new, mark{at: now, handled: m.handled}
	}
}

// handlingOf is valid until the next call.
func (m *Meter) handlingOf(kind reflect.Type) *handling {
	for i := range m.types {
		if m.types[i].kind == kind {
			return &m.types[i]
		}
	}
	switch n := len(m.types); {
	case n > maxTypes:
		return &m.types[maxTypes] // the last one is "other"
	case n == maxTypes:
		kind = nil
	case n == 0:
		m.types = m.few[:0]
	}
	m.types = append(m.types, handling{kind: kind})
	return &m.types[len(m.types)-1]
}

// handling is how long messages of one type took.
type handling struct {
	kind       reflect.Type // nil for "other"
	count      uint64
	total, max time.Duration
	histogram  *histogram // nil for a single message, which actors that come and go have mostly
}

func (h *handling) add(took time.Duration) {
	if h.count == 1 {
		h.histogram = &histogram{}
		h.histogram.add(h.total)
	}
	h.count++
	h.total += took
	h.max = max(h.max, took)
	if h.histogram != nil {
		h.histogram.add(took)
	}
}

// quantile is the bound of a bucket, and no message took longer than the longest.
func (h *handling) quantile(q float64) time.Duration {
	if h.histogram == nil {
		return h.max
	}
	return min(h.histogram.quantile(q), h.max)
}

// histogram has two buckets for every doubling of the time, from 128 ns on.
type histogram [64]uint32

const floor = 7 // log2 of the bound of the first bucket, in ns

func (h *histogram) add(took time.Duration) {
	n := uint64(max(took, 0)) >> (floor - 1)
	if n < 2 {
		h[0]++
		return
	}
	width := bits.Len64(n)                     // at least 2
	i := 2*(width-2) + int(n>>(width-2)&1) + 1 // the two leading bits choose the bucket
	h[min(i, len(h)-1)]++
}

// bound is the upper bound of a bucket.
func bound(i int) time.Duration {
	if i == 0 {
		return 1 << floor
	}
	low := time.Duration(1) << (floor + (i-1)/2)
	if i%2 == 1 {
		return low + low/2
	}
	return 2 * low
}

// quantile is the time within which a share q of all messages was handled.
func (h *histogram) quantile(q float64) time.Duration {
	var all uint64
	for _, n := range h {
		all += uint64(n)
	}
	rest := q * float64(all)
	for i, n := range h {
		if rest -= float64(n); rest <= 0 && n > 0 {
			return bound(i)
		}
	}
	return 0
}
