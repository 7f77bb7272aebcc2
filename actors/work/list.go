package work

import (
	"cmp"
	"slices"
	"strings"

	"github.com/asynkron/protoactor-go/actor"

	workv1 "receptor/proto/work/v1"
)

// list answers from memory; no directory is looked into, but for the size of
// output that still grows.
func (w *work) list(ctx actor.Context, m *workv1.ListUnits) {
	id := m.GetUnitId()
	if id == "" {
		respondUnits(ctx, w.Feeds.page(m, w.NodeID))
		return
	}
	one := w.Feeds.status(id)
	if one == nil {
		ctx.Respond(&workv1.ListUnitsReply{Result: &workv1.ListUnitsReply_Refused{Refused: unknownUnit(id)}})
		return
	}
	respondUnits(ctx, []*workv1.Status{one})
}

func respondUnits(ctx actor.Context, units []*workv1.Status) {
	ctx.Respond(&workv1.ListUnitsReply{Result: &workv1.ListUnitsReply_Units{Units: &workv1.Units{Units: units}}})
}

// page is the status of the units that m lets pass, sorted by ID. Units keep their
// place whatever comes and goes: one that is there all the time is on exactly one
// page.
func (f *Feeds) page(m *workv1.ListUnits, self string) []*workv1.Status {
	type found struct {
		feed   *feed
		status *workv1.Status
	}
	passes := passing(m, self)
	f.mu.RLock()
	all := make([]found, 0, len(f.units))
	for _, u := range f.units {
		if s := u.published(); u.id > m.GetAfter() && passes(s) {
			all = append(all, found{u, s})
		}
	}
	f.mu.RUnlock()
	slices.SortFunc(all, func(a, b found) int { return cmp.Compare(a.feed.id, b.feed.id) })
	if limit := int(m.GetLimit()); limit > 0 && len(all) > limit {
		all = all[:limit]
	}
	units := make([]*workv1.Status, len(all))
	for i, u := range all {
		units[i] = u.feed.present(u.status)
	}
	return units
}

// passing tells which units are asked for. The work of local units is done on self.
func passing(m *workv1.ListUnits, self string) func(*workv1.Status) bool {
	node := m.GetNode()
	if strings.EqualFold(node, "localhost") {
		node = self
	}
	return func(s *workv1.Status) bool {
		return (len(m.GetStates()) == 0 || slices.Contains(m.GetStates(), s.GetState())) &&
			(m.GetWorkType() == "" || m.GetWorkType() == s.GetWorkType() || m.GetWorkType() == s.GetRemoteWorkType()) &&
			(node == "" || node == cmp.Or(s.GetRemoteNode(), self))
	}
}
