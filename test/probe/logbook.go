package probe

import (
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"
)

// logbook writes lines to the test's log and keeps those at error level.
type logbook struct {
	t       testing.TB
	mu      sync.Mutex
	allowed []string
	errors  []string
}

// Write takes lines without a level.
func (l *logbook) Write(line []byte) (int, error) { return l.WriteLevel(zerolog.NoLevel, line) }

// WriteLevel takes one line.
func (l *logbook) WriteLevel(level zerolog.Level, line []byte) (int, error) {
	text := strings.TrimRight(string(line), "\n")
	l.t.Log(text)
	if level >= zerolog.ErrorLevel && level < zerolog.NoLevel {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.errors = append(l.errors, text)
	}
	return len(line), nil
}

func (l *logbook) allow(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.allowed = append(l.allowed, text)
}

// unexpected are the errors that no allowance covers.
func (l *logbook) unexpected() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var left []string
	for _, line := range l.errors {
		if !l.covered(line) {
			left = append(left, line)
		}
	}
	return left
}

func (l *logbook) covered(line string) bool {
	for _, text := range l.allowed {
		if strings.Contains(line, text) {
			return true
		}
	}
	return false
}
