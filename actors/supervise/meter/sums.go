package meter

import (
	"reflect"
	"time"
)

// sums are what is kept of all messages but the latest.
type sums struct {
	handled  uint64
	types    []handling
	old, new mark
}

// mark is a point from which a rate is taken.
type mark struct {
	at      time.Duration
	handled uint64
}

// sum takes what is fresh into the sums.
func (m *Meter) sum() {
	if m.sums == nil {
		began := mark{at: m.due - span}
		m.sums = &sums{types: make([]handling, 0, len(m.latest)), old: began, new: began}
	}
	for i := range m.fresh {
		t := &m.latest[i]
		m.sums.handlingOf(t.kind).add(t.took)
	}
	m.sums.handled += uint64(m.fresh)
	m.fresh = 0
}

// rotate keeps a mark that is between one and two spans old.
func (m *Meter) rotate(now time.Duration) {
	m.sum()
	m.sums.old, m.sums.new = m.sums.new, mark{at: now, handled: m.sums.handled}
	m.due = now + span
}

// rate is how many messages a second there were lately. An actor that has just begun
// did not handle its first one at a high rate.
func (s *sums) rate(now time.Duration) float64 {
	return float64(s.handled-s.old.handled) / max(now-s.old.at, time.Second).Seconds()
}

// handlingOf is valid until the next call.
func (s *sums) handlingOf(kind reflect.Type) *handling {
	for i := range s.types {
		if s.types[i].kind == kind {
			return &s.types[i]
		}
	}
	switch n := len(s.types); {
	case n > maxTypes:
		return &s.types[maxTypes] // the last one is "other"
	case n == maxTypes:
		kind = nil
	}
	s.types = append(s.types, handling{kind: kind})
	return &s.types[len(s.types)-1]
}

// handling is how long messages of one type took.
type handling struct {
	kind       reflect.Type // nil for "other"
	count      uint64
	total, max time.Duration
	histogram  *histogram // nil for a single message
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
