package logging

import (
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// Output is where a log is written to.
type Output struct {
	w    *lines // nil: objects
	json io.Writer
	now  func() time.Time
}

// NewOutput writes lines of text, or objects, to w.
func NewOutput(w io.Writer, json bool) *Output {
	if json {
		return &Output{json: &whole{w: w}, now: time.Now}
	}
	return &Output{w: newLines(w)}
}

// Logger logs events of this level and above.
func (o *Output) Logger(level zerolog.Level) zerolog.Logger {
	if o.w != nil {
		return zerolog.New(o.w).Level(level)
	}
	return zerolog.New(o.json).Level(level).Hook(zerolog.HookFunc(o.stamp))
}

// stamp adds the time to an object.
func (o *Output) stamp(e *zerolog.Event, _ zerolog.Level, _ string) {
	e.Str(zerolog.TimestampFieldName, o.now().Format(time.RFC3339Nano))
}

// New returns a logger that writes events of this level and above to w, as text.
func New(level zerolog.Level, w io.Writer) zerolog.Logger { return NewOutput(w, false).Logger(level) }

// whole writes one object at a time.
type whole struct {
	mu sync.Mutex
	w  io.Writer
}

func (o *whole) Write(object []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.w.Write(object)
}

// Slog makes a logger usable by libraries that log to the standard one.
func Slog(log zerolog.Logger) *slog.Logger {
	return slog.New(zerolog.NewSlogHandler(log))
}

// ParseLevel returns the level of a name of a configuration: error, warning,
// info or debug, in any case.
func ParseLevel(name string) (level zerolog.Level, ok bool) {
	switch strings.ToLower(name) {
	case "error":
		return zerolog.ErrorLevel, true
	case "warning":
		return zerolog.WarnLevel, true
	case "info":
		return zerolog.InfoLevel, true
	case "debug":
		return zerolog.DebugLevel, true
	}
	return zerolog.NoLevel, false
}

// levelName is a level as a line shows it.
func levelName(level zerolog.Level) string {
	switch level {
	case zerolog.TraceLevel, zerolog.DebugLevel:
		return "DEBUG"
	case zerolog.WarnLevel:
		return "WARNING"
	case zerolog.ErrorLevel, zerolog.FatalLevel, zerolog.PanicLevel:
		return "ERROR"
	default:
		return "INFO"
	}
}
