package control

import (
	"testing"

	workv1 "receptor/proto/work/v1"
)

func TestWhatOursCanDo(t *testing.T) {
	live(t, nil, func(t *testing.T, w *world) {
		c := w.client()
		c.ask("work features", `{"features":["submitkey","watchunits"]}`)
		c.ask(`{"command":"work","subcommand":"features"}`, `{"features":["submitkey","watchunits"]}`)
		c.ask("work features x", "ERROR: work features does not take parameters")
		c.ask("work drain", `{"draining":true,"unfinished":3}`)
		c.ask("work resume", `{"draining":false,"unfinished":3}`)
	})
}

func TestWatchOfManyUnits(t *testing.T) {
	live(t, nil, func(t *testing.T, w *world) {
		w.work.mu.Lock()
		w.work.units["unit1"] = &workv1.Status{
			UnitId: "unit1", State: workv1.State_STATE_SUCCEEDED, Detail: "exit status 0", StdoutSize: 2, WorkType: "cat", ExtraData: "null",
		}
		w.work.mu.Unlock()
		c := w.client()
		c.ask("work watchunits", "{}")
		c.ask("+unit1", `{"unitid":"unit1","Detail":"exit status 0","State":2,"StateName":"Succeeded","StdoutSize":2,"WorkType":"cat"}`)
		c.ask("+nosuch", `{"unitid":"nosuch","gone":true}`)
		c.halfClose()
		c.expectEnd()
	})
}
