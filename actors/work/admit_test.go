package work

import (
	"math"
	"testing"
	"time"
)

// No end of time is before its beginning.
func TestLongestTimeToStart(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, ttl := range []time.Duration{time.Hour, 2_500_000 * time.Hour, math.MaxInt64} {
		if at := time.Unix(0, expiry(now, ttl)); at.Sub(now) < min(ttl, 2_000_000*time.Hour) {
			t.Errorf("%v after %v is %v", ttl, now, at)
		}
	}
	if at := time.Unix(0, expiry(now, -time.Second)); !at.Equal(now.Add(-time.Second)) {
		t.Errorf("a second ago is %v", at)
	}
}
