// Package age tells how long ago a file was written, at least, although the clock on the
// wall may be set while nobody looks.
//
// What can be proven to have gone by is counted in a time of its own. A book remembers
// which wall times belong to which times of that count:
//
//	wall     ....09:00=======10:00            set forward by a year            10:05=====
//	proven       0 ========= 1 h              nothing can be proven of it      1 h ======
//	span         |────────────|                                                |─────────
//
// Where several places are possible a file is as young as may be.
package age

import (
	"slices"
	"time"
)

const (
	// slack is how far a clock may be from an even pace before it counts as set.
	slack = time.Minute
	// maxSpans bounds a book: one for each time the machine was off, or its clock set.
	// What is older than the oldest span counts as young as that.
	maxSpans = 1024
)

// Reading is what the clocks of the machine say at one instant.
type Reading struct {
	Boot string        // names the running kernel; empty if that is not known
	Up   time.Duration // since that started; nobody can set it
	Wall time.Time
}

// Book is what is remembered of the clocks. A new one begins with its first reading.
type Book struct {
	Boot   string        // at the last reading, like Up
	Up     time.Duration //
	Proven time.Duration // that went by since the book was begun, at least
	Spans  []Span        // the latest last; there is always one after a reading
}

// Span is a part of the proven time in which the wall clock went evenly. It begins at
// the last reading before the first one that shows it, so that spans overlap.
type Span struct {
	From, To time.Duration
	Zero     int64 // wall time at proven time 0, in nanoseconds since 1970
}

// Read is the book after a reading, and whether that showed a clock that was set.
//
// Within a boot, time is what the kernel has counted. What went by between two boots is
// at least the time since the second one, if it is the same machine; on another one
// it is not more than both wall clocks say.
func (b Book) Read(r Reading) (next Book, set bool) {
	if len(b.Spans) == 0 {
		return Book{Boot: r.Boot, Up: r.Up, Spans: []Span{{Zero: r.Wall.UnixNano()}}}, true
	}
	before := b.Proven
	last := b.Spans[len(b.Spans)-1]
	went := max(0, r.Up)
	if r.Boot == b.Boot && r.Boot != "" {
		went = max(0, r.Up-b.Up)
	} else {
		went = min(went, max(0, time.Duration(r.Wall.UnixNano()-last.Zero)-before))
	}
	b.Boot, b.Up, b.Proven, b.Spans = r.Boot, r.Up, before+went, slices.Clone(b.Spans)
	b.Spans[len(b.Spans)-1].To = b.Proven
	zero := r.Wall.UnixNano() - int64(b.Proven)
	if off := time.Duration(zero - last.Zero); off.Abs() > slack {
		b.Spans, set = append(b.Spans, Span{From: before, To: b.Proven, Zero: zero}), true
	}
	if spare := len(b.Spans) - maxSpans; spare > 0 {
		b.Spans = b.Spans[spare:]
	}
	return b, set
}

// Age is how old a file is, at least, by the wall time at which it was written. It is
// meant for right after a reading.
func (b Book) Age(written time.Time) time.Duration {
	if len(b.Spans) == 0 {
		return 0
	}
	shown, unshown := time.Duration(-1), b.Spans[0].From
	for _, s := range b.Spans {
		at := time.Duration(written.UnixNano() - s.Zero)
		within := min(max(at, s.From), s.To)
		switch {
		case (at - within).Abs() <= slack:
			shown = max(shown, within)
		case at > s.To: // written after the span, at a time that no reading showed
			unshown = max(unshown, s.To)
		}
	}
	if shown >= 0 {
		return b.Proven - shown
	}
	return b.Proven - unshown
}
