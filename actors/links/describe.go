package links

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"receptor/actors/supervise"
	"receptor/actors/supervise/describe"
	inspectv1 "receptor/proto/inspect/v1"
)

// This file is what links say of themselves to people.

var (
	_ supervise.Describer = (*link)(nil)
	_ supervise.Describer = (*dialer)(nil)
	_ supervise.Describer = (*listener)(nil)
)

func (l *link) tellUp(node string) {
	l.since = time.Now()
	l.cfg.met.Store(&neighbour{node: node, cost: l.cost})
	l.cfg.events.Add(&inspectv1.Event{What: &inspectv1.Event_LinkUp{LinkUp: &inspectv1.LinkUp{
		Path: l.path, Neighbour: node, Address: l.remote, Cost: l.cost,
	}}})
}

// tellDown is told once for each link that was up.
func (l *link) tellDown(reason string) {
	if l.since.IsZero() {
		return
	}
	l.since = time.Time{}
	l.cfg.events.Add(&inspectv1.Event{What: &inspectv1.Event_LinkDown{LinkDown: &inspectv1.LinkDown{
		Path: l.path, Neighbour: l.shake.Node(), Reason: reason,
	}}})
}

// Describe implements supervise.Describer.
func (l *link) Describe() *inspectv1.Description {
	f := &inspectv1.Link{
		Backend: l.cfg.backend, Neighbour: l.shake.Node(), Address: l.remote, State: l.state(), Cost: l.cost,
		Silence: durationpb.New(l.pump.Silence()),
	}
	f.Quality, f.Traffic, f.Queue = l.pump.Measures()
	if !l.since.IsZero() {
		f.Since = timestamppb.New(l.since)
	}
	facts := []*inspectv1.Attribute{
		describe.Text("neighbour", f.GetNeighbour()), describe.Text("address", f.GetAddress()),
		describe.Text("link", stateNames[f.GetState()]), describe.Quantity("cost", f.GetCost()),
		describe.Time("since", l.since), describe.Duration("silence", l.pump.Silence()),
	}
	if l.rejected != nil {
		facts = append(facts, describe.Text("ended", l.rejected.Error()))
	}
	d := describe.Of(append(facts, measureFacts(f)...)...)
	d.Figures = &inspectv1.Description_Link{Link: f}
	return describe.Refer(d, describe.Node(f.GetNeighbour()))
}

// measureFacts are the measures that there are.
func measureFacts(l *inspectv1.Link) []*inspectv1.Attribute {
	var facts []*inspectv1.Attribute
	q := l.GetQuality()
	if q.GetRtt() != nil {
		facts = append(facts, describe.Duration("rtt", q.GetRtt().AsDuration()),
			describe.Duration("jitter", q.GetJitter().AsDuration()))
	}
	if q != nil && q.Loss != nil {
		facts = append(facts, describe.Quantity("loss", q.GetLoss()))
	}
	return append(facts,
		describe.Quantity("bytes in/s", l.GetTraffic().GetBytesInPerSecond()),
		describe.Quantity("bytes out/s", l.GetTraffic().GetBytesOutPerSecond()),
		describe.Number("queue bytes", l.GetQueue().GetBytes()),
		describe.Duration("queue delay", l.GetQueue().GetDelay().AsDuration()),
		describe.Number("dropped", l.GetQueue().GetDropped()),
	)
}

var stateNames = map[inspectv1.LinkState]string{
	inspectv1.LinkState_LINK_STATE_CONNECTING:  "connecting",
	inspectv1.LinkState_LINK_STATE_INTRODUCING: "introducing",
	inspectv1.LinkState_LINK_STATE_ESTABLISHED: "established",
	inspectv1.LinkState_LINK_STATE_DOWN:        "down",
}

func (l *link) state() inspectv1.LinkState {
	switch {
	case l.shake.Established():
		return inspectv1.LinkState_LINK_STATE_ESTABLISHED
	case l.shake.Over():
		return inspectv1.LinkState_LINK_STATE_DOWN
	case l.remote == "":
		return inspectv1.LinkState_LINK_STATE_CONNECTING
	default:
		return inspectv1.LinkState_LINK_STATE_INTRODUCING
	}
}

// Describe implements supervise.Describer: who is to be at the other end, also
// while nobody is.
func (d *dialer) Describe() *inspectv1.Description {
	f := &inspectv1.Link{Backend: d.name, State: inspectv1.LinkState_LINK_STATE_DOWN}
	if met := d.link.met.Load(); met != nil {
		f.Neighbour, f.Cost = met.node, met.cost
	}
	_, addr := splitName(d.name)
	say := describe.Of(
		describe.Text("address", addr), describe.Text("neighbour", f.GetNeighbour()), describe.Flag("redials", d.redial),
	)
	say.Figures = &inspectv1.Description_Link{Link: f}
	return describe.Refer(say, describe.Node(f.GetNeighbour()))
}

// Describe implements supervise.Describer.
func (l *listener) Describe() *inspectv1.Description {
	_, addr := splitName(l.backend.Name)
	return describe.Of(
		describe.Text("address", addr), describe.Number("links", len(l.Children())),
		describe.Number("accepted", l.count),
	)
}
