package work

import (
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"receptor/actors/work/unit"
	"receptor/test/probe"
)

// traces has the world tell of payloads.
func (w *world) traces() *probe.Text {
	j := &probe.Text{}
	w.cfg.Log, w.cfg.PayloadTrace = zerolog.New(zerolog.MultiLevelWriter(w.stage.Log(), j)).Level(zerolog.DebugLevel), 3
	return j
}

func (w *world) traced(j *probe.Text, from, id, payload string) {
	w.Helper()
	want := `"PACKET TRACING ENABLED: Reading from ` + from + " with work unit " + id + " with a payload of: " + payload + `"`
	if n := strings.Count(j.String(), want); n != 1 {
		w.Errorf("%d lines with %s in\n%s", n, want, j)
	}
}

func TestPayloadOfACommandIsTraced(t *testing.T) {
	onStage(t, func(w *world) {
		log := w.traces()
		w.up()
		id := w.run("cat", "", "no line end")
		w.final(id, unit.Succeeded, "exit status 0")
		if got := w.results(id, 0); got != "no line end" {
			t.Errorf("output is %q", got)
		}
		w.traced(log, "stdin", id, "no line end")
	})
}

func TestPayloadOfAPodIsTraced(t *testing.T) {
	inCluster(t, func(w *world, _ *fakeCluster) {
		log := w.traces()
		w.up()
		id := w.run("k", "", "one line\n")
		w.final(id, unit.Succeeded, "Finished")
		w.traced(log, "kube api", id, "one line")
	})
}
