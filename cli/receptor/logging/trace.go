package logging

import (
	"fmt"

	"github.com/rs/zerolog"

	"receptor/transport/mesh"
)

// traceName begins a line of a trace, whatever the log level is.
const traceName = "TRACE"

// tracer writes what passes through the mesh, in the words of the existing system or
// as objects.
type tracer struct {
	out *lines
	log zerolog.Logger // of objects
}

// Tracer returns what writes a trace.
func (o *Output) Tracer() mesh.Tracer {
	return &tracer{out: o.w, log: o.Logger(zerolog.TraceLevel)}
}

func (t *tracer) Sent(m mesh.Traced) {
	if !t.line("--- Sending data length %d from %s:%s to %s:%s", m.Length, m.FromNode, m.FromService, m.ToNode, m.ToService) {
		t.message(m).Msg("sending data")
	}
}

func (t *tracer) Received(m mesh.Traced, via string) {
	if !t.line("--- Received data length %d from %s:%s to %s:%s via %s",
		m.Length, m.FromNode, m.FromService, m.ToNode, m.ToService, via) {
		t.message(m).Str("neighbour", via).Msg("received data")
	}
}

func (t *tracer) Forwarded(m mesh.Traced, via string) {
	if !t.line("    Forwarding data length %d via %s", m.Length, via) {
		t.message(m).Str("neighbour", via).Msg("forwarding data")
	}
}

func (t *tracer) Bridging(from, to string) {
	if !t.line("    Bridging %s to %s", from, to) {
		t.log.Trace().Str("from", from).Str("to", to).Msg("bridging")
	}
}

func (t *tracer) Copied(length int, from, to string) {
	if !t.line("    Copied %d bytes from %s to %s", length, from, to) {
		t.log.Trace().Str("from", from).Str("to", to).Int("length", length).Msg("copied")
	}
}

func (t *tracer) Stopping(from, to string) {
	if !t.line("    Stopping bridge %s to %s", from, to) {
		t.log.Trace().Str("from", from).Str("to", to).Msg("stopping bridge")
	}
}

func (t *tracer) Routed(length int, to, via string) {
	if !t.line("    Forwarding data length %d to %s via %s", length, to, via) {
		t.log.Trace().Int("length", length).Str("to", to).Str("via", via).Msg("forwarding packet")
	}
}

func (t *tracer) Unwrapped(length int, from, iface string) {
	if !t.line("    Forwarding data length %d from %s to %s", length, from, iface) {
		t.log.Trace().Int("length", length).Str("from", from).Str("interface", iface).Msg("forwarding packet")
	}
}

// message is the object of a data message.
func (t *tracer) message(m mesh.Traced) *zerolog.Event {
	return t.log.Trace().Str("from", m.FromNode).Str("from_service", m.FromService).
		Str("to", m.ToNode).Str("to_service", m.ToService).Int("length", m.Length)
}

// line writes a line of text, unless the log is of objects.
func (t *tracer) line(format string, args ...any) bool {
	if t.out.objects.Load() {
		return false
	}
	t.out.trace(fmt.Sprintf(format, args...))
	return true
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
	b = appendPlain(b, appendCut(nil, []byte(text)))
	b = append(b, '\n')
	l.buf = b
	_, _ = l.w.Write(b) // there is nobody to tell
}
