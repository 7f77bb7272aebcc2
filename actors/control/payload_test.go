package control

import (
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"receptor/actors/supervise/payload"
	"receptor/test/probe"
)

func TestPayloadTrace(t *testing.T) {
	for level, want := range map[int]string{
		0: "", 4: "",
		1: `"PACKET TRACING ENABLED: Reading from unix socket"`,
		2: `"PACKET TRACING ENABLED: Reading from unix socket with work unit `,
		3: ` with a payload of: no line end"`,
	} {
		probe.Live(t, func(t *testing.T, s *probe.Stage) {
			log := &probe.Text{}
			w := newWorld(t, s, func(cfg *Config) {
				cfg.Log, cfg.PayloadTrace = zerolog.New(log).Level(zerolog.DebugLevel), payload.Trace(level)
			})
			c := w.client()
			c.send("work submit localhost cat\n")
			if got := c.line(); !strings.HasPrefix(got, "Work unit created with ID ") {
				t.Fatal(got)
			}
			c.send("no line end")
			c.halfClose()
			if got := c.line(); !strings.HasPrefix(got, `{"result":"Job Started"`) {
				t.Fatal(got)
			}
			if got := log.String(); want == "" && strings.Contains(got, "PACKET") || !strings.Contains(got, want) {
				t.Errorf("level %d: %s", level, got)
			}
		})
	}
}
