// Package events keeps the latest events of a node for whoever wants to look.
//
//	link, router, unit, ... ── Add ──► ring of the latest ──► Follow: one goroutine per reader
//
// Writers never wait. A reader that is too slow misses events, and is told how many.
// A journal can be switched off and on again; while it is off nothing is kept.
package events

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	inspectv1 "receptor/proto/inspect/v1"
)

// DefaultSize is how many events a node remembers.
const DefaultSize = 2048

// batch bounds how many events a reader takes at once.
const batch = 64

// ErrOff is the end of a journal for its readers.
var ErrOff = errors.New("events are not kept any more")

// Journal is a bounded record of events. A nil *Journal takes events and forgets
// them. Any goroutine may use it.
type Journal struct {
	size int
	run  atomic.Uint64 // how often it was switched on; 0 while it is off

	mu     sync.Mutex
	runs   uint64
	ring   []*inspectv1.Event // event n stands at (n-1) % len; nil before the first of a run
	before uint64             // the last event of the runs before
	last   uint64             // sequence number of the newest; 0 for none
	missed uint64
	wake   chan struct{} // closed by the next Add or Switch; nil when nobody waits
}

// New returns an empty journal that keeps the latest size events. It is on.
func New(size int) *Journal {
	j := &Journal{size: size}
	j.Switch(true)
	return j
}

// Switch has events kept or not. Off, it forgets those that it has, and sends its
// readers away.
func (j *Journal) Switch(on bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if on == (j.run.Load() != 0) {
		return
	}
	if on {
		j.runs++
		j.run.Store(j.runs)
		return
	}
	j.run.Store(0)
	j.ring, j.before = nil, j.last
	j.call()
}

// On reports whether events are kept. Where nobody reads them, nobody need make them.
func (j *Journal) On() bool { return j.Run() != 0 }

// Run tells one time of being on from the next; it is 0 while the journal is off.
func (j *Journal) Run() uint64 {
	if j == nil {
		return 0
	}
	return j.run.Load()
}

// call wakes all readers; mu is held.
func (j *Journal) call() {
	if j.wake != nil {
		close(j.wake)
		j.wake = nil
	}
}

// Add numbers the event, stamps it and keeps it. The event belongs to the journal
// from now on.
func (j *Journal) Add(e *inspectv1.Event) {
	if !j.On() {
		return
	}
	if e.GetTime() == nil {
		e.Time = timestamppb.Now()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.On() {
		return // meanwhile
	}
	if j.ring == nil {
		j.ring = make([]*inspectv1.Event, j.size)
	}
	j.last++
	e.Sequence = j.last
	j.ring[(j.last-1)%uint64(j.size)] = e
	j.call()
}

// Last is the number of the newest event: how many there were.
func (j *Journal) Last() uint64 {
	if j == nil {
		return 0
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.last
}

// Missed is how many events readers could not get any more, all of them together.
func (j *Journal) Missed() uint64 {
	if j == nil {
		return 0
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.missed
}

// Recent returns what is kept after an event, at most as much as one batch.
func (j *Journal) Recent(after uint64) []*inspectv1.Event {
	if j == nil {
		return nil
	}
	got, _, _ := j.take(after)
	return got
}

// Follow calls each with every event after the given one, oldest first, and waits
// for more until ctx is done or each returns an error; it returns that error, nil
// when ctx is done, ErrOff when the journal is off. After 0 come all that are kept. A number that the journal has
// not reached is one of an earlier run of the node, and taken for 0. Events that
// are gone already are told by one of the kind Missed.
func (j *Journal) Follow(ctx context.Context, after uint64, each func(*inspectv1.Event) error) error {
	if j == nil {
		<-ctx.Done()
		return nil
	}
	if after > j.Last() {
		after = 0
	}
	for {
		got, more, on := j.take(after)
		if !on {
			return ErrOff
		}
		for _, e := range got {
			if ctx.Err() != nil {
				return nil //nolint:nilerr // that is how a reader leaves
			}
			if err := each(e); err != nil {
				return err
			}
			after = e.GetSequence()
		}
		if len(got) > 0 {
			continue
		}
		select {
		case <-more:
		case <-ctx.Done():
			return nil
		}
	}
}

// take returns the next events, or what to wait for when there are none.
func (j *Journal) take(after uint64) (got []*inspectv1.Event, more <-chan struct{}, on bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.On() {
		return nil, nil, false
	}
	if after >= j.last {
		if j.wake == nil {
			j.wake = make(chan struct{})
		}
		return nil, j.wake, true
	}
	if gone := max(j.before, j.last-min(j.last, uint64(j.size))); after < gone {
		if after > 0 {
			got = append(got, missed(gone-after, gone))
			j.missed += gone - after
		}
		after = gone
	}
	for n := after; n < j.last && len(got) < batch; n++ {
		got = append(got, j.ring[n%uint64(j.size)])
	}
	return got, nil, true
}

// missed stands for count events, of which last was the latest.
func missed(count, last uint64) *inspectv1.Event {
	return &inspectv1.Event{
		Sequence: last, Time: timestamppb.New(time.Now()),
		What: &inspectv1.Event_Missed{Missed: &inspectv1.Missed{Count: count}},
	}
}
