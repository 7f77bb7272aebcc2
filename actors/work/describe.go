package work

import (
	"receptor/actors/supervise"
	"receptor/actors/work/unit"
	"receptor/internal/describe"
	inspectv1 "receptor/proto/inspect/v1"
	workv1 "receptor/proto/work/v1"
)

// This file is what the family says of itself to people: never a parameter, a
// payload or an error text that a program wrote.

var _ supervise.Describer = (*work)(nil)

// Describe implements supervise.Describer.
func (w *work) Describe() *inspectv1.Description {
	f := w.Feeds.totals()
	f.Drained = w.drains
	d := describe.Of(
		describe.Number("pending", f.GetPending()), describe.Number("running", f.GetRunning()),
		describe.Number("succeeded", f.GetSucceeded()), describe.Number("failed", f.GetFailed()),
		describe.Number("canceled", f.GetCanceled()), describe.Flag("drained", f.GetDrained()),
	)
	d.Figures = &inspectv1.Description_Units{Units: f}
	return d
}

// tellState is told when a unit is in another state.
func (u *unitBase) tellState(r unit.Record) {
	u.tellUnit(&inspectv1.UnitChanged{WorkType: requestedType(r), State: r.State.String(), StdoutSize: r.StdoutSize})
}

func (u *unitBase) tellReleased() { u.tellUnit(&inspectv1.UnitChanged{State: "Released"}) }

func (u *unitBase) tellUnit(e *inspectv1.UnitChanged) {
	e.Unit = u.id
	u.Events.Add(&inspectv1.Event{What: &inspectv1.Event_UnitChanged{UnitChanged: e}})
}

// totals counts the units by state.
func (f *Feeds) totals() *inspectv1.Units {
	f.mu.RLock()
	defer f.mu.RUnlock()
	t := &inspectv1.Units{}
	for _, u := range f.units {
		u.mu.Lock()
		state := u.status.GetState()
		u.mu.Unlock()
		switch state {
		case workv1.State_STATE_PENDING_UNSPECIFIED:
			t.Pending++
		case workv1.State_STATE_RUNNING:
			t.Running++
		case workv1.State_STATE_SUCCEEDED:
			t.Succeeded++
		case workv1.State_STATE_FAILED:
			t.Failed++
		case workv1.State_STATE_CANCELED:
			t.Canceled++
		}
	}
	return t
}
