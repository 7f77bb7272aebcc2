package work

import (
	"fmt"
	"slices"
	"testing"

	"receptor/actors/work/store"
	"receptor/actors/work/unit"
	workv1 "receptor/proto/work/v1"
)

func ids(units []*workv1.Status) []string {
	list := make([]string, len(units))
	for i, s := range units {
		list[i] = s.GetUnitId()
	}
	return list
}

// Units that are there all the time are on exactly one page, whatever comes and
// goes while a client turns the pages.
func TestPagesAreStable(t *testing.T) {
	f, nowhere := NewFeeds(), store.At(t.TempDir())
	var stay []string
	for i := range 50 {
		id := fmt.Sprintf("u%02d", i)
		if i%5 != 0 {
			stay = append(stay, id)
		}
		f.publish(id, nowhere, &workv1.Status{UnitId: id, State: workv1.State_STATE_SUCCEEDED})
	}
	var seen []string
	after := ""
	for turn := 0; ; turn++ {
		page := ids(f.page(&workv1.ListUnits{After: after, Limit: 7}, "foo"))
		seen = append(seen, page...)
		if len(page) < 7 {
			break
		}
		after = page[len(page)-1]
		f.remove(fmt.Sprintf("u%02d", 5*turn))
		added := fmt.Sprintf("u%02dx", 49-turn)
		f.publish(added, nowhere, &workv1.Status{UnitId: added})
	}
	if !slices.IsSorted(seen) || len(slices.Compact(slices.Clone(seen))) != len(seen) {
		t.Errorf("out of order, or twice: %v", seen)
	}
	for _, id := range stay {
		if !slices.Contains(seen, id) {
			t.Errorf("%s is on no page", id)
		}
	}
}

func TestListIsNarrowed(t *testing.T) {
	f, nowhere := NewFeeds(), store.At(t.TempDir())
	for _, s := range []*workv1.Status{
		{UnitId: "a", State: workv1.State_STATE_RUNNING, WorkType: "cat"},
		{UnitId: "b", State: workv1.State_STATE_FAILED, WorkType: "cat"},
		{UnitId: "c", State: workv1.State_STATE_FAILED, WorkType: "sh"},
		{UnitId: "d", State: workv1.State_STATE_RUNNING, WorkType: "remote", RemoteNode: "bar", RemoteWorkType: "cat"},
		{UnitId: "e", WorkType: "remote", RemoteNode: "baz", RemoteWorkType: "sh"},
	} {
		f.publish(s.GetUnitId(), nowhere, s)
	}
	failed, pending := workv1.State_STATE_FAILED, workv1.State_STATE_PENDING_UNSPECIFIED
	for _, c := range []struct {
		m    *workv1.ListUnits
		want []string
	}{
		{&workv1.ListUnits{}, []string{"a", "b", "c", "d", "e"}},
		{&workv1.ListUnits{States: []workv1.State{failed, pending}}, []string{"b", "c", "e"}},
		{&workv1.ListUnits{WorkType: "cat"}, []string{"a", "b", "d"}},
		{&workv1.ListUnits{WorkType: "remote"}, []string{"d", "e"}},
		{&workv1.ListUnits{Node: "bar"}, []string{"d"}},
		{&workv1.ListUnits{Node: "foo"}, []string{"a", "b", "c"}},
		{&workv1.ListUnits{Node: "LocalHost", States: []workv1.State{failed}}, []string{"b", "c"}},
		{&workv1.ListUnits{After: "b", Limit: 2}, []string{"c", "d"}},
		{&workv1.ListUnits{After: "e"}, []string{}},
	} {
		if got := ids(f.page(c.m, "foo")); !slices.Equal(got, c.want) {
			t.Errorf("%v: got %v, want %v", c.m, got, c.want)
		}
	}
}

// The fields a list is narrowed by are those of real units.
func TestRemoteUnitsAreFoundByWhereTheyRun(t *testing.T) {
	onStage(t, func(w *world) {
		w.up()
		w.final(w.run("cat", "", "x"), unit.Succeeded, "exit status 0")
		far := w.created("bar", "sh", "")
		m := &workv1.ListUnits{Node: "bar", WorkType: "sh", States: []workv1.State{workv1.State_STATE_PENDING_UNSPECIFIED}}
		reply := w.stage.Ask(w, w.pid, m).(*workv1.ListUnitsReply)
		if got := ids(reply.GetUnits().GetUnits()); !slices.Equal(got, []string{far.GetUnitId()}) {
			t.Errorf("got %v, want %s", got, far.GetUnitId())
		}
	})
}
