package links

import (
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"receptor/actors/links/handshake"
	"receptor/actors/supervise"
	linksv1 "receptor/proto/links/v1"
	routerv1 "receptor/proto/router/v1"
	"receptor/transport/frame"
	"receptor/transport/wire"
)

// This file is what a link says to its neighbour and to the router: it brings
// messages to the handshake and does what the handshake answers.

const (
	// initPeriod is the time between two init messages.
	initPeriod = time.Second
	// initTimeout is how long the router may take to write one.
	initTimeout = 10 * time.Second
	// drainTime is how long a reject may take to arrive. A neighbour that got it
	// closes the connection, so it is rarely waited out.
	drainTime = time.Second
)

// received decodes a message of the neighbour and acknowledges it, unless the
// router has to do so, or to answer something first: a neighbour can't be further
// ahead of the router than the reader's window.
func (l *link) received(ctx actor.Context, m *linksv1.FrameReceived) {
	l.acknowledge(l.handle(ctx, m.GetFrame()))
}

func (l *link) acknowledge(later bool) {
	if !later {
		l.pump.Ack()
	}
}

// handled is the router's acknowledgement of a message that was passed on. One that
// was meant for an earlier incarnation makes the window a little wider for once.
func (l *link) handled() {
	if l.passed > 0 {
		l.passed--
		l.pump.Ack()
	}
}

// handle reports whether somebody else will acknowledge the message.
func (l *link) handle(ctx actor.Context, msg []byte) (later bool) {
	var (
		action handshake.Action
		err    error
	)
	pass := func() {}
	switch msg[0] {
	case wire.TypeReject:
		l.comeAgain(wire.RejectedFor(msg))
		action = l.shake.Rejected()
	case wire.TypeRoutingUpdate:
		var u wire.RoutingUpdate
		if u, err = wire.DecodeRoutingUpdate(msg); err == nil {
			l.certify()
			action = l.shake.Update(u)
			pass = func() { ctx.Request(l.cfg.router, updateReceived(l.shake.Node(), u)) }
		}
	case wire.TypeServiceAd:
		var a wire.Advertisement
		if a, err = wire.DecodeAdvertisement(msg); err == nil {
			action = l.shake.Advertisement()
			pass = func() { ctx.Request(l.cfg.router, advertisementReceived(l.shake.Node(), a, msg)) }
		}
	}
	if err != nil {
		l.undecodable(err)
		return false
	}
	switch action.Do {
	case handshake.Pass:
		pass()
		l.passed++
		return true
	case handshake.Hold:
		l.held = append(l.held, msg)
		return true
	default:
		l.act(ctx, action)
	}
	return false
}

// certify reads the neighbour's certificate before its first update is looked at:
// by then the hand-shake of the connection is over.
func (l *link) certify() {
	if l.cfg.nodeIDs == nil || l.shake.Node() != "" {
		return
	}
	names, err := l.cfg.nodeIDs(l.pump.Certificates())
	if err != nil {
		l.cfg.log.Warn().Str("addr", l.remote).Err(err).Msg("names in the neighbour's certificate can't be read")
		names = []string{""} // no node is called so: it is rejected
	}
	l.shake.Certified(names)
}

// undecodable skips a message. A neighbour that sends one sends many.
func (l *link) undecodable(err error) {
	if l.garbled {
		return
	}
	l.garbled = true
	if log, ok := l.voice(); ok {
		log.Warn().Str("addr", l.remote).Str("neighbour", l.shake.Node()).Err(err).Msg("undecodable message skipped, and more of them")
	}
}

// act does what the handshake says.
func (l *link) act(ctx actor.Context, a handshake.Action) {
	switch a.Do {
	case handshake.SendInit:
		l.sendInit(ctx)
	case handshake.GiveUp:
		l.fail(ctx, supervise.CauseIdle, errGaveUp)
	case handshake.Ask:
		l.asked, l.cost, l.probes = true, a.Cost, slices.Contains(a.Capabilities, wire.Probes)
		ctx.Request(l.cfg.router, &routerv1.LinkUp{
			Node: a.Node, Cost: a.Cost, Incarnation: l.incarnation, Capabilities: a.Capabilities,
		})
	case handshake.Accept:
		l.accept(ctx, a)
	case handshake.Reject:
		l.reject(ctx, a)
	case handshake.End:
		l.waitOut(ctx)
	default: // Nothing; Pass and Hold are the message's, not the link's
	}
}

// sendInit asks the router for an init message. The answer comes through a future
// of this incarnation: what the router still sends to an earlier one must not get
// onto the new connection.
func (l *link) sendInit(ctx actor.Context) {
	l.arm(initPeriod, linksv1.Timer_TIMER_INIT)
	answer := ctx.RequestFuture(l.cfg.router, &routerv1.SendInit{}, initTimeout)
	ctx.ReenterAfter(answer, func(res any, err error) {
		m, ok := res.(*linksv1.SendFrame)
		if err == nil && ok && !l.shake.Established() && !l.shake.Over() {
			l.put(m)
		}
	})
}

// answered is the router's yes or no.
func (l *link) answered(ctx actor.Context, m *routerv1.LinkUpReply) {
	if refused := m.GetRefused(); refused != nil {
		l.asked = false
		l.comeAgain(time.Duration(refused.GetForMs()) * time.Millisecond)
		l.act(ctx, l.shake.Refused(refused.GetText()))
		return
	}
	l.act(ctx, l.shake.Accepted())
}

// accept opens the way for data, and handles what came meanwhile.
func (l *link) accept(ctx actor.Context, a handshake.Action) {
	l.cfg.plane.Attach(a.Node, l.pump.queue)
	l.pump.trace = func(msg []byte) { l.cfg.plane.TraceReceived(msg, a.Node) }
	l.pump.Establish()
	l.tellUp(a.Node)
	l.prober = l.sink.after(firstMeasure, linksv1.Timer_TIMER_MEASURE)
	l.cfg.settled()
	l.cfg.log.Info().Str("addr", l.remote).Msgf("Connection established with %s", a.Node)
	l.arm(l.maxIdle, linksv1.Timer_TIMER_IDLE)
	held := l.held
	l.held = nil
	for _, msg := range held {
		l.acknowledge(l.handle(ctx, msg))
	}
}

// takeDown ends an established link for some time.
func (l *link) takeDown(ctx actor.Context, m *linksv1.TakeDown) {
	l.comeAgain(time.Duration(m.GetForMs()) * time.Millisecond)
	l.act(ctx, l.shake.Dismissed(m.GetText()))
}

// comeAgain notes for how long there is no point in dialling, if that was said.
func (l *link) comeAgain(span time.Duration) {
	if span > 0 {
		l.again = time.Now().Add(span)
	}
}

// comeNow has the next dial follow at once, whatever was said before: our own, and
// that of a neighbour who waits for the end of the connection.
func (l *link) comeNow(ctx actor.Context, m *linksv1.DialNow) {
	if node := l.shake.Node(); node != "" && node != m.GetNode() {
		return // a listener tells all of its links
	}
	l.again = time.Now()
	if l.rejected != nil {
		l.turnedDown(ctx)
	}
}

// setRules puts other rules in force for the links of a backend.
func (c linkConfig) setRules(ctx actor.Context, m *linksv1.SetRules, links []*actor.PID) {
	c.rules.set(c.nodeID, m)
	for _, link := range links {
		ctx.Send(link, m)
	}
}

// setRules ends the link if the neighbour does not comply with the new rules.
func (l *link) setRules(ctx actor.Context, m *linksv1.SetRules) {
	now := newRuling(l.cfg.nodeID, m)
	l.maxIdle = now.maxIdle
	l.act(ctx, l.shake.Reconfigure(now.handshake))
	l.checkIdle(ctx)
}

// away is for how long the neighbour is to stay away, if it is one of our make.
func (l *link) away() time.Duration {
	if l.again.IsZero() || !l.probes {
		return 0
	}
	return max(0, time.Until(l.again))
}

// reject tells the neighbour, and fails when it has closed the connection or had
// time to read why. Until a neighbour should come again its connection stays: its
// end tells that it may come earlier. As a stranger's it may have to make room.
func (l *link) reject(ctx actor.Context, a handshake.Action) {
	away := l.away()
	l.close(ctx, &rejectError{self: l.cfg.nodeID, node: a.Node, reason: a.Reason})
	l.pump.queue.PutControl("", frame.Copy(wire.RejectFor(away)))
	l.arm(away+drainTime, linksv1.Timer_TIMER_DRAIN)
}

// waitOut ends a link that the neighbour does not want: at once, or, if we dial and
// were told how long there is no point in it, when that is over or the neighbour
// closes the connection.
func (l *link) waitOut(ctx actor.Context) {
	wait := time.Until(l.again)
	if !l.cfg.dials || wait <= 0 {
		l.fail(ctx, supervise.CauseRefused, errRejected)
	}
	l.close(ctx, errRejected)
	l.arm(wait, linksv1.Timer_TIMER_DRAIN)
}

// close takes the link out of use, but leaves the connection open.
func (l *link) close(ctx actor.Context, why error) {
	l.rejected = why
	l.tellDown(why.Error())
	l.part(ctx)
	l.pump.Deafen()
	for range l.held {
		l.pump.Ack()
	}
	l.held = nil
}
