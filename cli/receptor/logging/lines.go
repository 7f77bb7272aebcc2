package logging

import (
	"bytes"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

const (
	layout  = "2006/01/02 15:04:05"
	maxKept = 64 << 10 // a longer buffer is not kept for the next line
)

// lines turns zerolog's events, flat JSON objects, into lines of text, or leaves them
// as they are.
type lines struct {
	objects atomic.Bool // leaves them

	mu  sync.Mutex
	w   io.Writer
	now func() time.Time
	buf []byte
}

func newLines(w io.Writer) *lines {
	return &lines{w: w, now: time.Now}
}

// Write takes an event without a level.
func (l *lines) Write(event []byte) (int, error) {
	return l.WriteLevel(zerolog.NoLevel, event)
}

// WriteLevel writes one event with one call of Write.
func (l *lines) WriteLevel(level zerolog.Level, event []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	size := len(event)
	event = cutEvent(event)
	b := l.buf[:0]
	if l.objects.Load() {
		b = appendQuotedOrNot(b, bytes.TrimSuffix(event, []byte("\n")))
	} else {
		b = append(b, levelName(level)...)
		b = append(b, ' ')
		b = l.now().Local().AppendFormat(b, layout)
		b = appendEvent(b, event)
	}
	b = append(b, '\n')
	if l.buf = b; cap(b) > maxKept {
		l.buf = nil
	}
	if _, err := l.w.Write(b); err != nil {
		return 0, err
	}
	return size, nil
}

// appendEvent appends the message of an event, then its fields in their order.
// The level and the time already begin the line.
func appendEvent(b, event []byte) []byte {
	for rest := event; ; {
		key, value, after := nextField(rest)
		if value == nil {
			break
		}
		if string(key) == zerolog.MessageFieldName {
			b = append(b, ' ')
			b = appendPlain(b, unquoted(value))
		}
		rest = after
	}
	for rest := event; ; {
		key, value, after := nextField(rest)
		if value == nil {
			return b
		}
		switch string(key) {
		case zerolog.MessageFieldName, zerolog.LevelFieldName, zerolog.TimestampFieldName:
		default:
			b = append(b, ' ')
			b = appendPlain(b, key)
			b = append(b, '=')
			b = appendValue(b, value)
		}
		rest = after
	}
}
