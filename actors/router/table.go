package router

import (
	"fmt"
	"maps"
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	routerv1 "receptor/proto/router/v1"
	"receptor/transport/mesh"
)

// publish recomputes the table and hands it to the data plane if it changed.
func (r *router) publish(ctx actor.Context) {
	table, names := r.db.Table(), r.db.Names()
	if maps.Equal(table, r.table) && slices.Equal(names, r.names) {
		return
	}
	r.table, r.names = table, names
	r.tableChanged(ctx)
	r.cfg.Plane.Publish(mesh.Routes{NextHop: r.nextHops(), Names: names})
	r.logTable()
}

func (r *router) nextHops() map[string]string {
	next := make(map[string]string, len(r.table))
	for node, hop := range r.table {
		next[node] = hop.Via
	}
	return next
}

// logTable writes a line when an operator would call it a change, and the whole
// table at debug level.
func (r *router) logTable() {
	if r.cfg.Log.Debug().Enabled() {
		for _, line := range r.drawTable() {
			r.cfg.Log.Debug().Msg(line)
		}
	}
	summary := fmt.Sprint(slices.Sorted(maps.Keys(r.neighbours)), len(r.table))
	if summary == r.logged || len(r.table) == 0 && r.logged == "" {
		return
	}
	r.logged = summary
	r.cfg.Log.Info().Int("neighbours", len(r.neighbours)).Int("routes", len(r.table)).Msg("routing table changed")
}

// drawTable is the table in the words of the existing system, a line each. A name
// may hold a line end, and still begins no line of the log.
func (r *router) drawTable() []string {
	lines := []string{"Known Connections:"}
	for _, node := range r.names {
		line := fmt.Sprintf("   %s: ", node)
		row := r.db.Row(node)
		for _, other := range slices.Sorted(maps.Keys(row)) {
			line += fmt.Sprintf("%s(%.2f) ", other, row[other])
		}
		lines = append(lines, line)
	}
	lines = append(lines, "Routing Table:")
	for _, node := range slices.Sorted(maps.Keys(r.table)) {
		lines = append(lines, fmt.Sprintf("   %s via %s", node, r.table[node].Via))
	}
	return lines
}

func (r *router) status(ctx actor.Context) {
	s := &routerv1.Status{
		NodeId: r.cfg.NodeID, Routes: r.nextHops(), Costs: make(map[string]float64, len(r.table)),
		Advertisements: append(r.ownAds(), r.ads.List()...),
	}
	for _, node := range slices.Sorted(maps.Keys(r.neighbours)) {
		s.Connections = append(s.Connections, &routerv1.Connection{Node: node, Cost: r.neighbours[node].cost})
	}
	for _, node := range r.db.Names() {
		s.Known = append(s.Known, &routerv1.KnownNode{Node: node, Connections: r.db.Row(node)})
	}
	for node, hop := range r.table {
		s.Costs[node] = hop.Cost
	}
	ctx.Respond(s)
}
