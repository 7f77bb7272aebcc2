package logging

import (
	"io"
	"log/slog"
	"strings"

	"github.com/rs/zerolog"
)

// New returns a logger that writes events of this level and above to w.
func New(level zerolog.Level, w io.Writer) zerolog.Logger {
	return zerolog.New(newLines(w)).Level(level)
}

// SetLevel sets, while the process runs, what no logger of it writes: events below
// this level.
func SetLevel(level zerolog.Level) { zerolog.SetGlobalLevel(level) }

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
