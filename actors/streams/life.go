package streams

import "time"

const (
	// linger is how long a finished connection to an old peer stays: closing it
	// throws away what that peer has received and not yet read. Likewise the last
	// connections of a listener that has retired.
	linger = 30 * time.Second
	// idleAfter is how long a shared session stays without streams.
	idleAfter = 60 * time.Second
	// retireWait is how long the far end may take to read its last streams.
	retireWait = 10 * time.Minute
)

// life is what decides when a connection ends.
type life struct {
	shared  bool // carries many streams
	dialled bool // by us
	active  int  // streams that are not finished

	since   time.Time // active was last changed to zero
	retired time.Time // no more streams are welcome; zero if they are
	bye     bool      // the peer offered to
	evicted bool      // its lingering is no longer affordable
}

// step is what to do with a connection now.
type step int

const (
	stepWait step = iota
	stepRetire
	stepClose
)

// next is the decision. With stepWait, in is when to ask again; zero means after
// the next change.
//
//	                  not shared       shared, dialled     shared, accepted
//	streams active    wait             wait                wait
//	none              close after      retire after        wait
//	                  linger           idleAfter
//	none, retired     –                close after         close after
//	                                   retireWait          linger
//	none, bye         –                –                   close
func (l life) next(now time.Time) (do step, in time.Duration) {
	switch {
	case l.active > 0:
		return stepWait, 0
	case !l.shared:
		if l.evicted {
			return stepClose, 0
		}
		return after(now, l.since.Add(linger), stepClose)
	case !l.dialled:
		if l.bye {
			return stepClose, 0
		}
		if !l.retired.IsZero() {
			return after(now, l.since.Add(linger), stepClose)
		}
		return stepWait, 0
	case !l.retired.IsZero():
		return after(now, l.retired.Add(retireWait), stepClose)
	default:
		return after(now, l.since.Add(idleAfter), stepRetire)
	}
}

func after(now, due time.Time, do step) (step, time.Duration) {
	if wait := due.Sub(now); wait > 0 {
		return stepWait, wait
	}
	return do, 0
}
