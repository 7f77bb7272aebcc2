// Package levels changes the level at which single actors log, while they run.
package levels

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

// maxOverrides bounds the actors with a level of their own.
const maxOverrides = 64

// ErrTooMany is one actor more than may have a level of its own.
var ErrTooMany = errors.New("too many actors have a log level of their own; end one first")

// Levels are the levels of the log: what is configured, and what an operator changed
// for a while. A nil *Levels leaves loggers as they are. Any goroutine may use it.
type Levels struct {
	mu    sync.Mutex // for writers
	state atomic.Pointer[state]
	now   func() time.Time
}

// state is replaced as a whole.
type state struct {
	base     zerolog.Level
	families map[string]zerolog.Level
	over     map[string]level // by path
}

type level struct {
	min   zerolog.Level
	until time.Time
}

// New returns Levels as they are configured: of all, and of families where they differ.
func New(base zerolog.Level, families map[string]zerolog.Level) *Levels {
	l := &Levels{now: time.Now}
	l.state.Store(&state{base: base, families: families})
	return l
}

// Configure replaces what is configured.
func (l *Levels) Configure(base zerolog.Level, families map[string]zerolog.Level) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state.Store(&state{base: base, families: families, over: l.state.Load().over})
}

// Logger logs for an actor: at its configured level, unless it, or one above it in
// the tree, has another. The logger's own level is a floor below all.
func (l *Levels) Logger(log zerolog.Logger, path string) zerolog.Logger {
	if l == nil {
		return log
	}
	_, rest, _ := strings.Cut(path, "/")
	family, _, _ := strings.Cut(rest, "/")
	return log.Sample(&gate{levels: l, path: path, family: family})
}

// Set gives an actor, and all below it, a level of its own for some time.
func (l *Levels) Set(path string, at zerolog.Level, span time.Duration) error {
	return l.change(func(over map[string]level) error {
		if _, known := over[path]; !known && len(over) >= maxOverrides {
			return ErrTooMany
		}
		over[path] = level{at, l.now().Add(span)}
		return nil
	})
}

// Reset ends the exception of an actor.
func (l *Levels) Reset(path string) error {
	return l.change(func(over map[string]level) error {
		delete(over, path)
		return nil
	})
}

// ResetAll ends all exceptions.
func (l *Levels) ResetAll() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.state.Load()
	l.state.Store(&state{base: old.base, families: old.families})
}

// change replaces the exceptions, without those whose time is over.
func (l *Levels) change(do func(map[string]level) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.state.Load()
	over := maps.Clone(old.over)
	if over == nil {
		over = map[string]level{}
	}
	maps.DeleteFunc(over, func(_ string, v level) bool { return !l.now().Before(v.until) })
	if err := do(over); err != nil {
		return err
	}
	if len(over) == 0 {
		over = nil
	}
	l.state.Store(&state{base: old.base, families: old.families, over: over})
	return nil
}

// gate decides for each event whether it is logged.
type gate struct {
	levels       *Levels
	path, family string
}

// Sample implements zerolog.Sampler.
func (g *gate) Sample(at zerolog.Level) bool {
	s := g.levels.state.Load()
	if s.over != nil {
		for path := g.path; path != ""; path = above(path) {
			if v, ok := s.over[path]; ok && g.levels.now().Before(v.until) {
				return at >= v.min
			}
		}
	}
	if s.families != nil {
		if min, ok := s.families[g.family]; ok {
			return at >= min
		}
	}
	return at >= s.base
}

// above is the path of the supervisor, or of a part of the name if that has
// slashes, which is nobody's.
func above(path string) string {
	return path[:max(strings.LastIndexByte(path, '/'), 0)]
}

// Parse is the level of a name: error, warning, info or debug, in any case.
func Parse(name string) (zerolog.Level, error) {
	switch strings.ToLower(name) {
	case "error":
		return zerolog.ErrorLevel, nil
	case "warning":
		return zerolog.WarnLevel, nil
	case "info":
		return zerolog.InfoLevel, nil
	case "debug":
		return zerolog.DebugLevel, nil
	}
	return zerolog.NoLevel, fmt.Errorf("%s is not a valid log level name (known: error, warning, info, debug)", name)
}
