package work

import (
	"receptor/actors/supervise"
	"receptor/actors/supervise/describe"
	"receptor/actors/work/unit"
	inspectv1 "receptor/proto/inspect/v1"
	workv1 "receptor/proto/work/v1"
)

// This file is what the family says of itself to people: never a parameter, a
// payload or an error text that a program wrote.

var (
	_ supervise.Describer = (*work)(nil)
	_ supervise.Describer = (*localUnit)(nil)
	_ supervise.Describer = (*remoteUnit)(nil)
	_ supervise.Describer = (*podUnit)(nil)
	_ supervise.Describer = (*monitor)(nil)
	_ supervise.Describer = (*nodeWatcher)(nil)
	_ supervise.Describer = (*sweeper)(nil)
)

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

// facts are those that all units have in common.
func (u *unitBase) facts() []*inspectv1.Attribute {
	s := u.Feeds.status(u.id)
	return []*inspectv1.Attribute{
		describe.Text("state", unit.State(s.GetState()).String()), describe.Text("work type", s.GetWorkType()),
		describe.Number("output bytes", s.GetStdoutSize()),
	}
}

// Describe implements supervise.Describer.
func (u *localUnit) Describe() *inspectv1.Description {
	facts := append(u.facts(), describe.Flag("waits for its turn", u.waits))
	if local := u.machine.Record.Local; local != nil && local.Pid > 0 {
		facts = append(facts, describe.Number("runner pid", local.Pid))
	}
	return describe.Refer(describe.Of(facts...), describe.Unit(u.id), describe.Node(u.NodeID))
}

// Describe implements supervise.Describer.
func (u *remoteUnit) Describe() *inspectv1.Description {
	facts := u.facts()
	var node *inspectv1.Reference
	if remote := u.machine.Record.Remote; remote != nil {
		node = describe.Node(remote.RemoteNode)
		facts = append(facts, describe.Text("node", remote.RemoteNode),
			describe.Text("remote type", remote.RemoteWorkType), describe.Text("remote unit", remote.RemoteUnitID),
			describe.Flag("started there", remote.RemoteStarted), describe.Flag("cancelled", remote.LocalCancelled),
			describe.Flag("released", remote.LocalReleased), describe.Time("expires", remote.Expiration))
	}
	facts = append(facts, describe.Number("failed sessions", u.attempts), describe.Flag("monitored", u.monitor != nil))
	return describe.Refer(describe.Of(facts...), describe.Unit(u.id), node)
}

// Describe implements supervise.Describer: of the pod only its names.
func (u *podUnit) Describe() *inspectv1.Description {
	facts := append(u.facts(), describe.Flag("waits for its turn", u.waits))
	if pod := u.machine.Record.Kube; pod != nil {
		facts = append(facts, describe.Text("namespace", pod.KubeNamespace), describe.Text("pod", pod.PodName),
			describe.Text("image", pod.Image))
	}
	facts = append(facts, describe.Flag("monitored", u.monitor != nil))
	return describe.Refer(describe.Of(facts...), describe.Unit(u.id), describe.Node(u.NodeID))
}

// Describe implements supervise.Describer.
func (m *monitor) Describe() *inspectv1.Description {
	d := describe.Of(
		describe.Number("session", m.incarnation), describe.Flag("under way", m.cancel != nil),
		describe.Number("output bytes", m.Feeds.status(m.id).GetStdoutSize()),
	)
	return describe.Refer(d, describe.Unit(m.id))
}

// Describe implements supervise.Describer.
func (w *nodeWatcher) Describe() *inspectv1.Description {
	key := w.node.key
	d := describe.Of(
		describe.Text("node", key.node), describe.Text("tls client", key.tls), describe.Number("stream", w.incarnation),
		describe.Number("units", w.node.followed()), describe.Flag("node is an old one", w.node.knownOld()),
	)
	return describe.Refer(d, describe.Node(key.node))
}

// Describe implements supervise.Describer.
func (s *sweeper) Describe() *inspectv1.Description {
	return describe.Of(describe.Number("sweeps", s.sweeps), describe.Time("last", s.last))
}
