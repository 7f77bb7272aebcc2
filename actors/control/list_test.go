package control

import (
	"testing"

	"google.golang.org/protobuf/proto"

	workv1 "receptor/proto/work/v1"
)

func TestListPassesOnWhatIsAsked(t *testing.T) {
	live(t, nil, func(t *testing.T, w *world) {
		w.work.units["u"] = &workv1.Status{UnitId: "u", WorkType: "remote", RemoteNode: "bar", RemoteWorkType: "cat"}
		c := w.client()
		c.ask(`{"command":"work","subcommand":"list","state":"pending","worktype":"cat","node":"bar","after":"a","limit":3,"detail":"brief"}`,
			`{"u":{"Detail":"","Node":"bar","State":0,"StateName":"Pending","StdoutSize":0,"WorkType":"cat"}}`)
		w.work.mu.Lock()
		defer w.work.mu.Unlock()
		if want := (&workv1.ListUnits{
			States: []workv1.State{workv1.State_STATE_PENDING_UNSPECIFIED}, WorkType: "cat", Node: "bar", After: "a", Limit: 3,
		}); !proto.Equal(w.work.listed, want) {
			t.Errorf("asked for %v, want %v", w.work.listed, want)
		}
	})
}
