package router

import (
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	linksv1 "receptor/proto/links/v1"
	routerv1 "receptor/proto/router/v1"
	"receptor/transport/wire"
)

const (
	// tombstones is the capability of a node that passes on a withdrawal only once.
	tombstones = "tombstones"

	textConnected = "it connected using a node ID we are already connected to"
)

// capabilities are what we tell a neighbour of ourselves.
var capabilities = []string{tombstones, wire.Probes}

// neighbour is the node at the other end of an established link.
type neighbour struct {
	link        *actor.PID
	incarnation uint64
	cost        float64
	tombstones  bool
}

// sendInit answers with an own update. The new neighbour is not in it: it is not
// established yet. An init message never takes the place of another update in the
// queue, because it is the one that is first on the wire.
func (r *router) sendInit(ctx actor.Context) {
	ctx.Respond(&linksv1.SendFrame{Frame: r.ownUpdate(0, capabilities)})
}

func (r *router) linkUp(ctx actor.Context, m *routerv1.LinkUp) {
	link := ctx.Sender()
	if left := r.heldFor(m.GetNode(), time.Now()); left > 0 {
		refuseHeld(ctx, m, left)
		return
	}
	if old, ok := r.neighbours[m.GetNode()]; ok && !old.link.Equal(link) {
		// The neighbour may have been started anew where nobody could see its end.
		ctx.Send(old.link, &linksv1.ProveAlive{})
		ctx.Respond(&routerv1.LinkUpReply{
			Incarnation: m.GetIncarnation(),
			Result:      &routerv1.LinkUpReply_Refused{Refused: &routerv1.Refused{Text: textConnected}},
		})
		return
	}
	r.neighbours[m.GetNode()] = &neighbour{
		link: link, incarnation: m.GetIncarnation(), cost: m.GetCost(),
		tombstones: slices.Contains(m.GetCapabilities(), tombstones),
	}
	r.db.LinkUp(m.GetNode(), m.GetCost())
	ctx.Respond(&routerv1.LinkUpReply{
		Incarnation: m.GetIncarnation(), Result: &routerv1.LinkUpReply_Accepted{Accepted: &routerv1.Accepted{}},
	})
	r.welcome(ctx, m.GetNode())
	r.tables.now(ctx)
}

// welcome sends a new neighbour all we know, so that nobody has to wait for
// anybody's next period. It drops what it knows already.
func (r *router) welcome(ctx actor.Context, node string) {
	r.changed = true
	if r.updates.request(ctx); r.updates.waiting() {
		r.send(ctx, node, keySelf, r.ownUpdate(0, nil)) // the others can wait, it can't
	}
	for _, u := range r.db.Updates() {
		if u.Node != node {
			r.send(ctx, node, updateKey(u), r.relayed(u))
		}
	}
	for name, s := range r.services {
		r.send(ctx, node, adKey(r.cfg.NodeID, name), s.frame)
	}
	for _, ad := range r.ads.List() {
		if ad.GetNode() != node {
			r.send(ctx, node, adKey(ad.GetNode(), ad.GetService()), ad.GetRaw())
		}
	}
}

func (r *router) linkDown(ctx actor.Context, m *routerv1.LinkDown) {
	n, ok := r.neighbours[m.GetNode()]
	if !ok || n.incarnation != m.GetIncarnation() {
		return
	}
	delete(r.neighbours, m.GetNode())
	r.db.LinkDown(m.GetNode())
	r.changed = true
	r.tables.now(ctx)
	r.updates.request(ctx)
}

// send puts a message on one link.
func (r *router) send(ctx actor.Context, node, key string, frame []byte) {
	if len(frame) > 0 {
		ctx.Send(r.neighbours[node].link, &linksv1.SendFrame{Key: key, Frame: frame})
	}
}

// flood puts a message on all links but the one it came from.
func (r *router) flood(ctx actor.Context, key string, frame []byte, from string) {
	if len(frame) == 0 {
		return
	}
	m := &linksv1.SendFrame{Key: key, Frame: frame}
	for node, n := range r.neighbours {
		if node != from {
			ctx.Send(n.link, m)
		}
	}
}
