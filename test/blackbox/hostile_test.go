package blackbox

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"receptor/test/blackbox/harness"
)

// hostileName is one that steers terminals, turns the writing round, forges a line of
// a log and is markup.
const hostileName = "e<img src=x onerror=alert(1)>\x1b]0;t\a\x1b[2J\u009b31m\u202egnp\u2028\x7f\r\nERROR forged\u200f\U000e0041"

// hostile is a neighbour of that name, of which service, type of work and all else
// that it may choose are called so, too. It stays until the test ends.
func (w *world) hostile(port int) {
	w.t.Helper()
	conn, err := net.Dial("tcp4", local(port))
	w.must(err)
	w.t.Cleanup(func() { _ = conn.Close() }) // only to be gone
	go func() { _, _ = io.Copy(io.Discard, conn) }()
	now := time.Now()
	for i, connections := range []map[string]float64{{}, {"hub": 1, "far" + hostileName: 1}} {
		w.must(says(conn, 1, map[string]any{
			"NodeID": hostileName, "UpdateID": fmt.Sprintf("hostile%d", i), "UpdateEpoch": now.Unix(), "UpdateSequence": i + 1,
			"Connections": connections, "ForwardingNode": hostileName, "SuspectedDuplicate": 0,
		}))
	}
	w.must(says(conn, 2, map[string]any{
		"NodeID": hostileName, "Service": hostileName, "Time": now, "ConnType": 1, "Tags": map[string]string{hostileName: hostileName},
		"WorkCommands": []any{map[string]any{"WorkType": hostileName, "Secure": false}},
	}))
}

// says sends one message of the mesh.
func says(conn net.Conn, kind byte, body any) error {
	text, err := json.Marshal(body)
	if err == nil {
		_, err = conn.Write(framed(append([]byte{kind}, text...)))
	}
	return err
}

// steering is the first character in text that a terminal would obey or nobody sees.
func steering(text string) string {
	for _, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, "ERROR forged") {
			return "a forged line"
		}
		for _, r := range line {
			if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) && r != '\t' {
				return fmt.Sprintf("%U in %q", r, line)
			}
		}
	}
	return ""
}

// A neighbour may call itself and its services what it likes: it is shown, and steers
// neither the terminal of who looks nor the log nor what reads the metrics.
func TestHostileNames(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			w := newWorld(t)
			port, web := w.port(), filepath.Join(w.Dir, "web")
			hub := w.node("hub", harness.Listener(port), []string{"--debug", "http=" + web, "--log-level", "Debug", "--log-format", format})
			w.up(hub)
			w.hostile(port)
			w.must(harness.Until(w.ctx, "the advertisement", func() error {
				if s, err := hub.Status(w.ctx); err != nil || len(s.Advertisements) != 2 {
					return fmt.Errorf("%v, %w", s.Advertisements, err)
				}
				return nil
			}))
			for _, args := range [][]string{{"status"}, {"status", "--long"}, {"status", "--json"}, {"tree", "--long"}, {"events"}, {"events", "--json"}, {"top", "--count", "1"}, {"doctor"}} {
				out, errs, _ := w.run(programs.Receptorctl, append([]string{"--socket", hub.Socket}, args...)...)
				if what := steering(out + "\n" + errs); what != "" || !strings.Contains(out, "onerror") {
					t.Errorf("%v: %s\n%s%s", args, what, out, errs)
				}
			}
			log, err := os.ReadFile(hub.LogFile)
			w.must(err)
			if what := steering(string(log)); what != "" || !strings.Contains(string(log), "onerror") {
				t.Errorf("log: %s\n%s", what, log)
			}
			_, text, err := get(w.ctx, onSocket(web), "http://localhost/metrics")
			w.must(err)
			for _, line := range strings.Split(text, "\n") {
				if line != "" && !strings.HasPrefix(line, "#") && !metricLine(line) {
					t.Errorf("metrics: %q", line)
				}
			}
		})
	}
}

func metricLine(line string) bool {
	return strings.HasPrefix(line, "receptor_") || strings.HasPrefix(line, "go_") || strings.HasPrefix(line, "process_") || strings.HasPrefix(line, "promhttp_")
}
