package router

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"receptor/actors/router/route"
	nodev1 "receptor/proto/node/v1"
	routerv1 "receptor/proto/router/v1"
	"receptor/transport/wire"
)

// keySelf is the key of own updates in a link's queue: the newest one is enough.
const keySelf = "self"

// updateKey is the key of another node's update. A suspected duplicate is news of
// its own kind and replaced by nothing.
func updateKey(u route.Update) string {
	if u.SuspectedDuplicate != 0 {
		return ""
	}
	return "u:" + u.Node
}

// announce sends all neighbours a new own update.
func (r *router) announce(ctx actor.Context) {
	if len(r.neighbours) == 0 {
		return
	}
	r.last = r.ownUpdate(0, nil)
	r.sent, r.changed = time.Now(), false
	r.flood(ctx, keySelf, r.last, "")
}

// keepLinksAlive puts something on each link. The last own update once more costs
// the mesh nothing: neighbours have seen it and don't pass it on. When the mesh
// changed it is a new one, because existing nodes drop half a link when updates
// overtake each other, and find it again only in a new update.
func (r *router) keepLinksAlive(ctx actor.Context) {
	if r.changed || time.Since(r.sent) >= repeatAfter {
		r.updates.now(ctx)
		return
	}
	r.flood(ctx, keySelf, r.last, "")
}

func (r *router) updateReceived(ctx actor.Context, m *routerv1.UpdateReceived) {
	defer handled(ctx)
	if _, ok := r.neighbours[m.GetFrom()]; !ok {
		return // the link ended meanwhile
	}
	u := updateOf(m.GetUpdate())
	d := r.db.Receive(u, time.Now())
	r.duplicate(ctx, d.Duplicate, u, m.GetFrom())
	if d.Flood {
		r.passOn(ctx, u, m.GetFrom())
	}
	if d.Changed {
		r.changed = true
		r.tables.request(ctx)
	}
	if d.New {
		r.updates.within(ctx, greetDelay)
		r.introduce(ctx)
	}
	if d.Restarted {
		r.restarted(ctx, u.Node)
	}
}

// introduce tells nodes that are new of our services, soon. Between our own nodes
// neighbours pass on what they have stored; behind others a new node would wait for
// the next round.
func (r *router) introduce(ctx actor.Context) {
	if r.introduction != nil {
		r.moreNew = true
		return
	}
	r.introduction = after(ctx, introduceDelay, routerv1.Job_JOB_INTRODUCE)
}

func (r *router) introduced(ctx actor.Context) {
	r.offerAll(ctx)
	r.introduction = nil
	if r.moreNew {
		r.moreNew = false
		r.introduce(ctx)
	}
}

// watch notes a family that wants to hear of restarts. It asks again when it was
// restarted itself, under the same address.
func (r *router) watch(who *actor.PID) {
	if who != nil && !slices.ContainsFunc(r.watchers, who.Equal) {
		r.watchers = append(r.watchers, who)
	}
}

// restarted tells who keeps something of that node that it is of no use any more.
func (r *router) restarted(ctx actor.Context, node string) {
	r.cfg.Log.Info().Str("node", node).Msg("node has started anew")
	for _, w := range r.watchers {
		ctx.Send(w, &routerv1.NodeRestarted{Node: node})
	}
	r.introduce(ctx)
}

// passOn floods an update of another node, encoded once.
func (r *router) passOn(ctx actor.Context, u route.Update, from string) {
	if u.SuspectedDuplicate != 0 {
		r.cfg.Log.Warn().Str("node", u.Node).Uint64("epoch", u.SuspectedDuplicate).Msg("node reports another one with its id")
	}
	if len(r.neighbours) > 1 {
		r.flood(ctx, updateKey(u), r.relayed(u), from)
	}
}

// duplicate deals with another node that uses our ID. The younger one stops.
func (r *router) duplicate(ctx actor.Context, d route.Duplicate, u route.Update, from string) {
	switch d {
	case route.NoDuplicate:
	case route.OtherIsDuplicate:
		r.cfg.Log.Error().Uint64("epoch", u.Epoch).Msgf("Duplicate node ID %s detected via %s", u.Node, from)
		r.flood(ctx, "", r.ownUpdate(u.Epoch, nil), "")
		r.changed = true
		r.updates.request(ctx) // everybody has the row of the other one, and takes ours from this
	case route.WeAreDuplicate:
		text := fmt.Sprintf("We are a duplicate node with ID %s and epoch %d. Shutting down.", r.cfg.NodeID, r.cfg.Epoch)
		r.cfg.Log.Error().Msg(text)
		ctx.Send(ctx.Parent(), &nodev1.StopNode{Reason: text})
	}
}

// ownUpdate is the next update of this node, as a message.
func (r *router) ownUpdate(suspected uint64, capabilities []string) []byte {
	u := r.db.Own(newID())
	u.SuspectedDuplicate = suspected
	return r.encode(u, capabilities)
}

// relayed is another node's update, as this node puts it on a link.
func (r *router) relayed(u route.Update) []byte { return r.encode(u, nil) }

func (r *router) encode(u route.Update, capabilities []string) []byte {
	msg, err := wire.RoutingUpdate{
		NodeID: u.Node, UpdateID: u.ID, UpdateEpoch: u.Epoch, UpdateSequence: u.Sequence,
		Connections: u.Connections, ForwardingNode: r.cfg.NodeID, SuspectedDuplicate: u.SuspectedDuplicate,
		Capabilities: capabilities,
	}.Encode()
	if err != nil {
		r.cfg.Log.Error().Str("node", u.Node).Err(err).Msg("update can't be sent")
	}
	return msg
}

func updateOf(m *routerv1.RoutingUpdate) route.Update {
	u := route.Update{
		Node: m.GetNode(), ID: m.GetUpdateId(), Epoch: m.GetEpoch(), Sequence: m.GetSequence(),
		Connections: m.GetConnections(), SuspectedDuplicate: m.GetSuspectedDuplicate(),
	}
	if u.Connections == nil && !m.GetNullConnections() {
		u.Connections = map[string]float64{}
	}
	return u
}

const idLetters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// newID is the ID of an own update: 8 characters, as everybody expects.
func newID() string {
	var id [8]byte
	for i := range id {
		id[i] = idLetters[rand.IntN(len(idLetters))]
	}
	return string(id[:])
}

// handled tells a link that waits for it.
func handled(ctx actor.Context) {
	if ctx.Sender() != nil {
		ctx.Respond(&routerv1.Handled{})
	}
}
