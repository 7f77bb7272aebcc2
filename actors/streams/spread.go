package streams

import "time"

const (
	// farAway is the round-trip time from which streams don't share a session while
	// they can have one of their own. Congestion control belongs to a session, and on
	// a long way its window takes many seconds to open: one for all would make eight
	// transfers as slow as one.
	farAway = 20 * time.Millisecond
	// maxSpread bounds the sessions to one service of a node far away.
	maxSpread = 16
)

// load is what a session that may take one more stream carries.
type load struct {
	streams int
	minRTT  time.Duration
	window  uint64 // bytes that may be in flight
}

func (l load) far() bool { return l.minRTT >= farAway }

// lighter reports whether a stream is better off here than there: beside fewer
// others, and among idle ones where the window is open widest.
func (l load) lighter(than load) bool {
	if l.streams != than.streams {
		return l.streams < than.streams
	}
	return l.window > than.window
}

// choose is which of the sessions takes one more stream, or -1 if that should have
// one of its own.
func choose(open []load) int {
	best := -1
	for i, l := range open {
		if best < 0 || l.lighter(open[best]) {
			best = i
		}
	}
	if best >= 0 && open[best].streams > 0 && open[best].far() && len(open) < maxSpread {
		return -1
	}
	return best
}
