package logging

import (
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/rs/zerolog"
)

// Output is where a log is written to.
type Output struct {
	w   *lines
	now func() time.Time
}

// NewOutput writes lines of text, or objects, to w.
func NewOutput(w io.Writer, json bool) *Output {
	o := &Output{w: newLines(w), now: time.Now}
	o.SetJSON(json)
	return o
}

// SetJSON has all loggers write objects from now on, or lines of text.
func (o *Output) SetJSON(json bool) { o.w.objects.Store(json) }

// Logger logs events of this level and above.
func (o *Output) Logger(level zerolog.Level) zerolog.Logger {
	return zerolog.New(o.w).Level(level).Hook(zerolog.HookFunc(o.stamp))
}

// stamp adds the time to an event. In a line it is not shown, but the form may change
// while the event is under way.
func (o *Output) stamp(e *zerolog.Event, _ zerolog.Level, _ string) {
	var text [len(time.RFC3339Nano)]byte
	e.Bytes(zerolog.TimestampFieldName, o.now().AppendFormat(text[:0], time.RFC3339Nano))
}

// New returns a logger that writes events of this level and above to w, as text.
func New(level zerolog.Level, w io.Writer) zerolog.Logger { return NewOutput(w, false).Logger(level) }

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
