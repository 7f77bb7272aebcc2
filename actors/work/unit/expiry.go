package unit

import "time"

// expiryCheck is how often the clock on the wall is looked at: it may be set.
const expiryCheck = 30 * time.Second

// ExpiryWait is how long to wait until the time to start is over, or is to be looked
// at again; none if it is over. left is what remained when the unit began to wait,
// and waited how long it has done so, whatever was done to the clock; byClock is
// what remains by the clock. The time is over when either says so: a clock that was
// set back must not keep a unit waiting, nor one that was wrong when it began.
func ExpiryWait(left, waited, byClock time.Duration) time.Duration {
	return max(0, min(left-waited, byClock, expiryCheck))
}
