package router

import (
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	linksv1 "receptor/proto/links/v1"
	routerv1 "receptor/proto/router/v1"
)

// This file is how an operator keeps a link down for a while, to see what the mesh
// does.

const (
	// maxHold and maxHeld bound what is refused: a forgotten link comes back.
	maxHold = time.Hour
	maxHeld = 64
	// askAgain is how long whoever dials us stays away at most. When the hold ends early
	// the end of the connection says so, unless that is lost unseen.
	askAgain = 5 * time.Second

	textHeld = "an operator holds the link down"
)

// hold ends the link to a neighbour and refuses the neighbour from now on. Time zero
// ends that.
func (r *router) hold(ctx actor.Context, m *routerv1.HoldLink) {
	span := time.Duration(m.GetDurationMs()) * time.Millisecond
	n, linked := r.neighbours[m.GetNode()]
	now := time.Now()
	_, held := r.held[m.GetNode()]
	switch {
	case span < 0 || span > maxHold:
		ctx.Respond(holdRefused(fmt.Sprintf("a link can be held down for at most %v", maxHold)))
		return
	case !linked && !held:
		ctx.Respond(holdRefused("no link to " + m.GetNode() + "; receptorctl status lists the neighbours"))
		return
	case !held && len(r.held) >= maxHeld:
		ctx.Respond(holdRefused("too many links are held down"))
		return
	}
	delete(r.held, m.GetNode())
	if span > 0 {
		r.held[m.GetNode()] = now.Add(span)
		r.cfg.Log.Warn().Str("neighbour", m.GetNode()).Dur("took", span).Msg("an operator takes the link down")
	}
	if span > 0 && linked {
		ctx.Send(n.link, &linksv1.TakeDown{Text: textHeld, ForMs: min(span, askAgain).Milliseconds()})
	}
	ctx.Respond(&routerv1.HoldLinkReply{Result: &routerv1.HoldLinkReply_Accepted{Accepted: &routerv1.Accepted{}}})
}

// heldFor is how long a node is still refused; zero if it is not. It forgets what is
// over.
func (r *router) heldFor(node string, now time.Time) time.Duration {
	until, held := r.held[node]
	if !held {
		return 0
	}
	if !now.Before(until) {
		delete(r.held, node)
		return 0
	}
	return until.Sub(now)
}

// refuseHeld answers a link whose neighbour is held down.
func refuseHeld(ctx actor.Context, m *routerv1.LinkUp, left time.Duration) {
	left = min(left, askAgain)
	ms := (left + time.Millisecond - 1).Milliseconds() // who asks too early is refused again
	ctx.Respond(&routerv1.LinkUpReply{
		Incarnation: m.GetIncarnation(),
		Result:      &routerv1.LinkUpReply_Refused{Refused: &routerv1.Refused{Text: textHeld, ForMs: ms}},
	})
}

func holdRefused(text string) *routerv1.HoldLinkReply {
	return &routerv1.HoldLinkReply{Result: &routerv1.HoldLinkReply_Refused{Refused: &routerv1.Refused{Text: text}}}
}
