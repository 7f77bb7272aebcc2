package supervise

import "time"

// Backoff describes the wait before a restart.
type Backoff struct {
	Min   time.Duration // bound of the first wait
	Max   time.Duration // bound of every later wait; it doubles until there
	Quiet time.Duration // a child that ran this long starts again at Min
}

// DefaultBackoff serves children for which their family has no better numbers.
var DefaultBackoff = Backoff{Min: 200 * time.Millisecond, Max: 20 * time.Second, Quiet: 30 * time.Second}

// Attempt counts failures in a row: ran is how long the child lived before it
// failed, attempt the count before this failure.
func (b Backoff) Attempt(attempt uint32, ran time.Duration) uint32 {
	if ran >= b.Quiet {
		return 1
	}
	return attempt + 1
}

// Delay is the wait before the restart that follows the attempt-th failure in a
// row (from 1). It is drawn evenly from the upper bound of that attempt ("full
// jitter"); random is in [0, 1). A tenth of Min is always waited, so that a
// child that fails at once can't spin.
func (b Backoff) Delay(attempt uint32, random float64) time.Duration {
	bound := b.Min
	for i := uint32(1); i < attempt && bound < b.Max; i++ {
		bound *= 2
	}
	bound = min(bound, b.Max)
	return b.Bound(time.Duration(random * float64(bound)))
}

// Bound is a wait that is neither too short nor too long for a restart.
func (b Backoff) Bound(wait time.Duration) time.Duration {
	return max(min(wait, b.Max), b.Min/10)
}
