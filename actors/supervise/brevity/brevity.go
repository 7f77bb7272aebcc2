// Package brevity keeps the log readable, and the disk free, where others decide how
// often something is logged: whoever knocks at a port.
package brevity

import (
	"sync"
	"time"

	"github.com/rs/zerolog"
)

const (
	// burst is how many lines there may be at once, period after how long there may be
	// one more.
	burst  = 20
	period = 5 * time.Second
)

// Brevity tells of some events of a kind, and counts those in between. Any goroutine
// may use it; its zero value is ready. A nil *Brevity tells of all.
type Brevity struct {
	mu     sync.Mutex
	used   int       // lines of the burst
	since  time.Time // when the used ones were last reduced
	untold uint64
}

// Logger returns the logger for an event; ok is false if it is only to be counted.
// The line that is the last for a while says so, the next says how many there were
// meanwhile.
func (b *Brevity) Logger(log zerolog.Logger, now time.Time) (told zerolog.Logger, ok bool) {
	if b == nil {
		return log, true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.recover(now)
	if b.used >= burst {
		b.untold++
		return log, false
	}
	b.used++
	with := log.With()
	if b.untold > 0 {
		with = with.Uint64("untold", b.untold)
		b.untold = 0
	}
	if b.used == burst {
		with = with.Str("more", "counted, not told")
	}
	return with.Logger(), true
}

// recover allows the lines that came due.
func (b *Brevity) recover(now time.Time) {
	due := int(min(now.Sub(b.since)/period, burst))
	switch {
	case due < 0 || b.used <= due: // the clock was set back, or all is quiet
		b.used, b.since = 0, now
	case due > 0:
		b.used -= due
		b.since = b.since.Add(time.Duration(due) * period)
	}
}
