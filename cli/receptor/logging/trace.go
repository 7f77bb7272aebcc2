package logging

import (
	"fmt"
	"strings"

	"github.com/rs/zerolog"

	"receptor/transport/mesh"
)

// traceName begins a line of a trace, whatever the log level is.
const traceName = "TRACE"

// tracer writes every data message of the mesh, in the words of the existing system.
type tracer struct {
	out *Output
	log zerolog.Logger // of objects
}

// Tracer returns what writes a trace.
func (o *Output) Tracer() mesh.Tracer {
	t := &tracer{out: o}
	if o.w == nil {
		t.log = o.Logger(zerolog.TraceLevel)
	}
	return t
}

func (t *tracer) Sent(m mesh.Traced) { t.write("--- Sending data", m, "") }

func (t *tracer) Received(m mesh.Traced, via string) { t.write("--- Received data", m, via) }

func (t *tracer) Forwarded(m mesh.Traced, via string) {
	if t.out.w == nil {
		t.write("    Forwarding data", m, via)
		return
	}
	t.out.w.trace(fmt.Sprintf("    Forwarding data length %d via %s", m.Length, via))
}

func (t *tracer) write(what string, m mesh.Traced, via string) {
	if t.out.w == nil {
		e := t.log.Trace().Str("from", m.FromNode).Str("from_service", m.FromService).
			Str("to", m.ToNode).Str("to_service", m.ToService).Int("length", m.Length)
		if via != "" {
			e.Str("neighbour", via)
		}
		e.Msg(strings.ToLower(strings.Trim(what, " -")))
		return
	}
	text := fmt.Sprintf("%s length %d from %s:%s to %s:%s",
		what, m.Length, m.FromNode, m.FromService, m.ToNode, m.ToService)
	if via != "" {
		text += " via " + via
	}
	t.out.w.trace(text)
}

// trace writes a line that is no event of the log. A line that can't be written is
// lost, as with events.
func (l *lines) trace(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.buf[:0]
	b = append(b, traceName...)
	b = append(b, ' ')
	b = l.now().Local().AppendFormat(b, layout)
	b = append(b, ' ')
	b = appendPlain(b, []byte(text))
	b = append(b, '\n')
	l.buf = b
	_, _ = l.w.Write(b) // there is nobody to tell
}
