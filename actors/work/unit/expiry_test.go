package unit

import (
	"testing"
	"time"
)

func TestExpiryWait(t *testing.T) {
	for _, c := range []struct {
		name                         string
		left, waited, byClock, await time.Duration
	}{
		{"soon", 5 * time.Second, time.Second, 4 * time.Second, 4 * time.Second},
		{"far away", time.Hour, 0, time.Hour, expiryCheck},
		{"over", 5 * time.Second, 5 * time.Second, 0, 0},
		{"over long ago, found at start-up", -time.Hour, 0, -time.Hour, 0},
		{"clock set back by a year", time.Minute, time.Minute, 365 * 24 * time.Hour, 0},
		{"clock set forward", time.Hour, time.Second, -time.Minute, 0},
		{"clock set right after a start in 1970", 56 * 365 * 24 * time.Hour, time.Minute, time.Second, time.Second},
	} {
		if got := ExpiryWait(c.left, c.waited, c.byClock); got != c.await {
			t.Errorf("%s: waits %v, want %v", c.name, got, c.await)
		}
	}
}
