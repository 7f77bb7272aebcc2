package supervise

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestDecide(t *testing.T) {
	lost := &Failure{Cause: CauseLost, Err: errors.New("gone")}
	done := &Failure{Cause: CauseDone, Err: errors.New("finished")}
	for _, tc := range []struct {
		name   string
		reason any
		life   Lifetime
		want   Directive
	}{
		{"lost, permanent", lost, Permanent, Restart},
		{"lost, temporary", lost, Temporary, Stop},
		{"done, permanent", done, Permanent, Stop},
		{"done, temporary", done, Temporary, Stop},
		{"wrapped", fmt.Errorf("link: %w", lost), Permanent, Restart},
		{"another error", errors.New("index out of range"), Temporary, Escalate},
		{"no error at all", "boom", Permanent, Escalate},
		{"nil", nil, Permanent, Escalate},
	} {
		if got := Decide(tc.reason, tc.life); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestBackoff(t *testing.T) {
	b := Backoff{Min: 100 * time.Millisecond, Max: time.Second, Quiet: 10 * time.Second}
	for attempt, bound := range map[uint32]time.Duration{
		1: 100 * time.Millisecond, 2: 200 * time.Millisecond, 3: 400 * time.Millisecond,
		4: 800 * time.Millisecond, 5: time.Second, 100: time.Second, 1 << 31: time.Second,
	} {
		if got := b.Delay(attempt, 1); got != bound {
			t.Errorf("bound of attempt %d: %v, want %v", attempt, got, bound)
		}
		if got := b.Delay(attempt, 0.5); got != bound/2 {
			t.Errorf("middle of attempt %d: %v, want %v", attempt, got, bound/2)
		}
		if got := b.Delay(attempt, 0); got != b.Min/10 {
			t.Errorf("least of attempt %d: %v, want %v", attempt, got, b.Min/10)
		}
	}
	if got := b.Attempt(7, 9*time.Second); got != 8 {
		t.Errorf("a short life counts on: %d", got)
	}
	if got := b.Attempt(7, 10*time.Second); got != 1 {
		t.Errorf("a quiet life starts anew: %d", got)
	}
}
