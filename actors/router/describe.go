package router

import (
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"receptor/actors/router/route"
	"receptor/actors/supervise"
	"receptor/actors/supervise/describe"
	inspectv1 "receptor/proto/inspect/v1"
)

// This file is what the router says to people: of itself, and of what changes.

// maxTold bounds the nodes that one event names.
const maxTold = 64

var _ supervise.Describer = (*router)(nil)

// Describe implements supervise.Describer.
func (r *router) Describe() *inspectv1.Description {
	f := &inspectv1.Routes{
		Neighbours: uint32(len(r.neighbours)), KnownNodes: uint32(len(r.names)), ReachableNodes: uint32(len(r.table)),
		Advertisements: uint32(len(r.services) + len(r.ads.List())), Changes: r.changes,
	}
	d := describe.Of(
		describe.Number("neighbours", f.GetNeighbours()), describe.Number("known nodes", f.GetKnownNodes()),
		describe.Number("routes", f.GetReachableNodes()), describe.Number("advertisements", f.GetAdvertisements()),
		describe.Number("table changes", f.GetChanges()),
	)
	d.Figures = &inspectv1.Description_Routes{Routes: f}
	return describe.Refer(d, describe.Node(r.cfg.NodeID))
}

// tableChanged has followers of events told, soon.
func (r *router) tableChanged(ctx actor.Context) {
	r.changes++
	if !r.cfg.Events.On() {
		r.told = r.table // whoever listens later hears of what changes then
		return
	}
	r.untold++
	r.tellings.within(ctx, tellGap/4)
}

// tell says which nodes have come and gone since the last event. A node that did
// both is in none of the lists.
func (r *router) tell(actor.Context) {
	e := &inspectv1.RoutesChanged{Routes: uint32(len(r.table)), Changes: r.untold}
	e.Reachable, e.ReachableCount = news(r.table, r.told)
	e.Unreachable, e.UnreachableCount = news(r.told, r.table)
	r.told, r.untold = r.table, 0
	r.cfg.Events.Add(&inspectv1.Event{What: &inspectv1.Event_RoutesChanged{RoutesChanged: e}})
}

// news are the destinations of one table that another has not.
func news(table, old route.Table) (nodes []string, count uint32) {
	for node := range table {
		if _, known := old[node]; !known {
			nodes = append(nodes, node)
		}
	}
	slices.Sort(nodes)
	return nodes[:min(len(nodes), maxTold)], uint32(len(nodes))
}
