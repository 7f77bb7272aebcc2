package links

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"receptor/actors/links/handshake"
	"receptor/actors/supervise"
	"receptor/actors/supervise/brevity"
	"receptor/actors/supervise/events"
	linksv1 "receptor/proto/links/v1"
	routerv1 "receptor/proto/router/v1"
	"receptor/transport"
	"receptor/transport/frame"
	"receptor/transport/mesh"
)

// linkConfig is what a link needs of its backend.
type linkConfig struct {
	open    func(context.Context) (transport.Conn, error)
	rules   *rules
	nodeID  string // own
	log     zerolog.Logger
	router  *actor.PID
	plane   *mesh.Plane
	nodeIDs func([]*x509.Certificate) ([]string, error) // nil: certificates do not matter
	settled func()                                      // once established, or at the end; may be called again
	dials   bool                                        // the restart is the redial
	backend string                                      // as configured
	events  *events.Journal                             // nil: nobody wants to know
	brevity *brevity.Brevity                            // of all links of strangers at a listener; nil: of a dialer
	met     *atomic.Pointer[neighbour]                  // the last neighbour here; outlives the link
}

// neighbour is who was at the other end.
type neighbour struct {
	node string
	cost float64
}

// newLink describes a link. Each incarnation opens one connection.
func newLink(cfg linkConfig) func() actor.Actor {
	return func() actor.Actor {
		now := cfg.rules.now.Load()
		return &link{
			cfg: cfg, incarnation: rand.Uint64(), shake: handshake.New(now.handshake), maxIdle: now.maxIdle,
		}
	}
}

// link keeps one neighbour connected.
//
//	parent   a dialer, which restarts it with backoff, or a listener, which does not
//	owns     one pump: a connection and the goroutines that block on it
//	fails    when the connection can't be had or is lost, the neighbour is silent,
//	         or one of the two does not want the other
//	restart  dials again and introduces itself anew
type link struct {
	cfg         linkConfig
	incarnation uint64
	shake       *handshake.Machine
	maxIdle     time.Duration
	sink        sink
	pump        *pump
	timer       *time.Timer
	maxFrame    int
	path        string // of the actor
	remote      string
	cost        float64   // of the link, once the neighbour said who it is
	since       time.Time // when it was established; zero before and after
	probes      bool      // the neighbour answers probes
	prober      *time.Timer
	looks       int                // at the quality of the link
	asked       bool               // the router may count this link as a neighbour's
	held        [][]byte           // messages that wait for the router's answer
	passed      int                // messages that the router has not acknowledged yet
	unproven    context.CancelFunc // ends a proof under way; nil if there is none
	rejected    error              // why there is no link; set while a reject is on its way, or waited out
	again       time.Time          // when a dial makes sense after this one; zero: nobody knows
	garbled     bool               // an undecodable message was logged
}

func (l *link) Receive(ctx actor.Context) {
	if l.stale(ctx.Message()) {
		return
	}
	switch m := ctx.Message().(type) {
	case *actor.Started:
		l.start(ctx)
	case *actor.Restarting, *actor.Stopping:
		l.end(ctx)

	case *linksv1.SendFrame:
		l.sendFrame(m)
	case *linksv1.ProveAlive:
		l.prove()
	case *linksv1.SetRules:
		l.setRules(ctx, m)
	case *linksv1.TakeDown:
		l.takeDown(ctx, m)
	case *linksv1.DialNow:
		l.comeNow(ctx, m)

	case *routerv1.LinkUpReply:
		l.answered(ctx, m)
	case *routerv1.Handled:
		l.handled()

	case *linksv1.ConnOpened:
		l.opened(ctx, m)
	case *linksv1.FrameReceived:
		l.received(ctx, m)
	case *linksv1.UnknownTypeReceived:
		l.unknown(m)
	case *linksv1.FrameRefused:
		l.tooLong(int(m.GetSize()))
	case *linksv1.ConnLost:
		l.lost(ctx, m)
	case *linksv1.Proved:
		l.proved(ctx, m)
	case *linksv1.Tick:
		l.tick(ctx, m)

	default:
		supervise.Unexpected(ctx)
	}
}

// stale finds what was meant for an earlier incarnation.
func (l *link) stale(message any) bool {
	m, ok := message.(interface{ GetIncarnation() uint64 })
	return ok && m.GetIncarnation() != l.incarnation
}

func (l *link) start(ctx actor.Context) {
	l.path, l.cfg.log = ctx.Self().GetId(), supervise.Logger(ctx, l.cfg.log)
	l.sink = sink{root: ctx.ActorSystem().Root, link: ctx.Self(), incarnation: l.incarnation}
	l.pump = startPump(l.cfg.open, l.cfg.plane, l.sink)
}

func (l *link) opened(ctx actor.Context, m *linksv1.ConnOpened) {
	l.remote, l.maxFrame = m.GetRemote(), int(m.GetMaxFrame())
	l.act(ctx, l.shake.Tick())
}

// tick is one of the link's timers.
func (l *link) tick(ctx actor.Context, m *linksv1.Tick) {
	switch m.GetTimer() {
	case linksv1.Timer_TIMER_INIT:
		l.act(ctx, l.shake.Tick())
	case linksv1.Timer_TIMER_IDLE:
		l.checkIdle(ctx)
	case linksv1.Timer_TIMER_DRAIN:
		l.turnedDown(ctx)
	case linksv1.Timer_TIMER_MEASURE:
		l.measure()
	default:
		supervise.Unexpected(ctx)
	}
}

// checkIdle looks again when the neighbour, silent from now on, will be too late.
func (l *link) checkIdle(ctx actor.Context) {
	if !l.shake.Established() {
		return
	}
	silence := l.pump.Silence()
	if silence < l.maxIdle {
		l.arm(l.maxIdle-silence, linksv1.Timer_TIMER_IDLE)
		return
	}
	l.fail(ctx, supervise.CauseIdle, fmt.Errorf("timing out connection: nothing received for %v", silence.Round(time.Second)))
}

func (l *link) arm(d time.Duration, timer linksv1.Timer) {
	l.disarm()
	l.timer = l.sink.after(d, timer)
}

func (l *link) disarm() {
	if l.timer != nil {
		l.timer.Stop()
	}
}

// unmeasured ends the looks at a link that has ended.
func (l *link) unmeasured() {
	if l.prober != nil {
		l.prober.Stop()
	}
}

// sendFrame puts a message of the router on the wire. The router may still be
// speaking to an earlier incarnation, until it has accepted this one.
func (l *link) sendFrame(m *linksv1.SendFrame) {
	if l.shake.Established() {
		l.put(m)
	}
}

func (l *link) put(m *linksv1.SendFrame) {
	if n := len(m.GetFrame()); n == 0 || n > min(l.maxFrame, frame.MaxLen) {
		l.tooLong(n)
		return
	}
	l.pump.queue.PutControl(m.GetKey(), frame.Copy(m.GetFrame()))
}

func (l *link) tooLong(size int) {
	l.cfg.log.Error().Str("addr", l.remote).Str("neighbour", l.shake.Node()).Int("bytes", size).Int("limit", l.maxFrame).
		Msg("message does not fit into the connection, dropped")
}

// voice is the logger for what the far end does wrong; as long as it is a stranger
// not all of that is worth a line.
func (l *link) voice() (zerolog.Logger, bool) {
	if !l.since.IsZero() {
		return l.cfg.log, true
	}
	return l.cfg.brevity.Logger(l.cfg.log, time.Now())
}

func (l *link) unknown(m *linksv1.UnknownTypeReceived) {
	if log, ok := l.voice(); ok {
		log.Warn().Str("addr", l.remote).Uint32("type", m.GetType()).Msg("Unknown message type, ignored from now on")
	}
}

// lost is the end of the connection, or of the attempt to have one.
func (l *link) lost(ctx actor.Context, m *linksv1.ConnLost) {
	switch {
	case l.rejected != nil:
		if l.refused() {
			l.again = time.Now() // the neighbour has ended the wait
		}
		l.turnedDown(ctx)
	case m.GetCause() == linksv1.Cause_CAUSE_DIAL:
		l.fail(ctx, supervise.CauseRefused, &dialError{m.GetText()})
	default:
		l.fail(ctx, supervise.CauseLost, &lostError{m.GetText()})
	}
}

// refused reports whether it is the neighbour who rejected us.
func (l *link) refused() bool { return errors.Is(l.rejected, errRejected) }

// turnedDown is the end after a reject, ours or the neighbour's.
func (l *link) turnedDown(ctx actor.Context) {
	if l.refused() {
		l.fail(ctx, supervise.CauseRefused, l.rejected)
	}
	l.fail(ctx, supervise.CauseProtocol, l.rejected)
}

// fail ends this incarnation. It tidies up first: Restarting comes only after the
// backoff, and until then nobody may route into the void.
func (l *link) fail(ctx actor.Context, cause supervise.Cause, err error) {
	if l.since.IsZero() {
		err = &strangerError{err}
	}
	l.tellDown(err.Error())
	l.end(ctx)
	supervise.FailUntil(cause, err, l.again)
}

// end may come twice: from fail, and with Restarting or Stopping.
func (l *link) end(ctx actor.Context) {
	l.tellDown("the node ended it")
	l.leave(ctx)
	l.disarm()
	l.unmeasured()
	l.leaveUnproven()
	l.pump.Stop()
}

// leave takes the neighbour's traffic off this link. The router may have accepted
// it without our having read so yet.
func (l *link) leave(ctx actor.Context) {
	l.cfg.settled()
	l.part(ctx)
}

// part is leave of a link that may still be a stranger's.
func (l *link) part(ctx actor.Context) {
	l.cfg.plane.Detach(l.shake.Node(), l.pump.queue)
	if l.asked {
		l.asked = false
		ctx.Send(l.cfg.router, &routerv1.LinkDown{Node: l.shake.Node(), Incarnation: l.incarnation})
	}
}
