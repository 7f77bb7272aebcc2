package brevity

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

// lines has n events happen at once and returns what the log says of them.
func lines(b *Brevity, n int, now time.Time) []string {
	var text bytes.Buffer
	for range n {
		if log, ok := b.Logger(zerolog.New(&text), now); ok {
			log.Warn().Msg("refused")
		}
	}
	return strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n")
}

func TestEventsInBetweenAreCounted(t *testing.T) {
	var b Brevity
	now := time.Now()
	for i, c := range []struct {
		after  time.Duration
		events int
		lines  int
		first  string // a part of
		last   string
	}{
		{0, 3, 3, `{"level":"warn","message":"refused"}`, `{"level":"warn","message":"refused"}`},
		{time.Second, 1000, burst - 3, `"message":"refused"`, "counted, not told"},
		{period, 10, 1, `"untold":983`, "counted, not told"},
		{3 * period, 3, 3, `"untold":9`, "counted, not told"},
		{time.Hour, 1, 1, `{"level":"warn","message":"refused"}`, `{"level":"warn","message":"refused"}`},
		{-48 * time.Hour, burst, burst, `"message":"refused"`, "counted, not told"},
	} {
		now = now.Add(c.after)
		got := lines(&b, c.events, now)
		if len(got) != c.lines || !strings.Contains(got[0], c.first) || !strings.Contains(got[len(got)-1], c.last) {
			t.Errorf("%d: %d lines\n%s", i, len(got), strings.Join(got, "\n"))
		}
	}
}
