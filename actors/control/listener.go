package control

import (
	"errors"
	"math/rand/v2"
	"strconv"

	"github.com/asynkron/protoactor-go/actor"

	"receptor/actors/control/command"
	"receptor/actors/supervise"
	controlv1 "receptor/proto/control/v1"
	routerv1 "receptor/proto/router/v1"
	supervisev1 "receptor/proto/supervise/v1"
)

type listenerConfig struct {
	Config
	Listener
	host   command.Host
	budget *budget
}

func newListener(cfg listenerConfig) func() actor.Actor {
	return func() actor.Actor {
		return &listener{
			Supervisor: supervise.New(cfg.Log, supervise.Backoff{}), cfg: cfg, incarnation: rand.Uint64(),
		}
	}
}

// listener takes clients at one socket or service.
//
//	parent   control, which restarts it with Backoff
//	owns     an acceptor: the socket and the goroutine that accepts
//	fails    when the socket can't be had, or is lost
//	restart  binds again; connections of the old incarnation are gone
//	retires  closes the socket, and ends with its last connection
type listener struct {
	*supervise.Supervisor
	cfg         listenerConfig
	incarnation uint64
	acceptor    *acceptor // nil until bound
	accepted    uint64    // names the connections
	stopped     bool      // the acceptor was
	retired     bool      // nobody wants it any more
}

func (l *listener) Receive(ctx actor.Context) {
	if l.Supervise(ctx) || l.stale(ctx.Message()) {
		return
	}
	switch m := ctx.Message().(type) {
	case *actor.Started:
		l.start(ctx)
	case *actor.Restarting, *actor.Stopping:
		l.stop(ctx, (*acceptor).stop)
	case *actor.Terminated:
		l.leave(ctx)
	case *supervisev1.Retire:
		l.retire(ctx)

	case *controlv1.ConnAccepted:
		l.take(ctx)
	case *controlv1.AcceptDelayed:
		l.cfg.Log.Warn().Str("service", l.cfg.Name).Str("err", m.GetText()).Int64("wait_ms", m.GetWaitMs()).
			Msg("can't accept control connections for the moment")
	case *controlv1.ClientsTurnedAway:
		l.cfg.Log.Warn().Str("service", l.cfg.Name).Int("limit", l.limit()).
			Msg("too many control connections, new clients are turned away")
	case *controlv1.ClientsMadeRoom:
		l.cfg.Log.Warn().Str("service", l.cfg.Name).Int("limit", l.limit()).Int64("clients", m.GetClients()).
			Msg("too many control connections, those that were idle for longest make room for new ones")
	case *controlv1.SocketLost:
		supervise.Fail(supervise.CauseLost, errors.New(m.GetText()))

	case actor.SystemMessage, actor.AutoReceiveMessage:
	default:
		unexpected(ctx, l.cfg.Log)
	}
}

func (l *listener) start(ctx actor.Context) {
	l.cfg.Log = supervise.Logger(ctx, l.cfg.Log)
	socket, err := l.cfg.Binding.Open()
	if err != nil {
		supervise.Fail(supervise.CauseBind, err)
	}
	report := acceptSink{ctx.ActorSystem().Root, ctx.Self(), l.incarnation}
	l.acceptor = startAcceptor(socket, l.limit(), command.Banner(l.cfg.NodeID), report)
	if l.cfg.Advertise != nil {
		ctx.Send(l.cfg.Router, l.cfg.Advertise)
	}
	l.cfg.Log.Info().Str("service", l.cfg.Name).Stringer("addr", socket.Addr()).Msg("control service is listening")
}

// limit is how many clients there may be at a time.
func (l *listener) limit() int { return seatsOf(l.cfg.Listener) }

func (l *listener) stop(ctx actor.Context, end func(*acceptor) error) {
	if l.acceptor == nil || l.stopped {
		return
	}
	l.stopped = true
	if err := end(l.acceptor); err != nil {
		l.cfg.Log.Warn().Str("service", l.cfg.Name).Err(err).Msg("closing the control socket")
	}
	if l.cfg.Advertise != nil {
		ctx.Send(l.cfg.Router, &routerv1.Withdraw{Service: l.cfg.Advertise.GetService()})
	}
}

// retire closes the socket. Clients that wait for nothing are sent away, the others
// after what they have begun.
func (l *listener) retire(ctx actor.Context) {
	l.retired = true
	l.stop(ctx, (*acceptor).retire)
	ctx.Respond(&supervisev1.Retired{Child: ctx.Self().GetId()})
	for _, connection := range l.Children() {
		ctx.Send(connection, &controlv1.Finish{})
	}
	l.leave(ctx)
}

// leave ends a listener that has retired, and has no connection any more.
func (l *listener) leave(ctx actor.Context) {
	if l.retired && len(l.Children()) == 0 {
		ctx.Stop(ctx.Self())
	}
}

// take spawns the connection that waits in the acceptor.
func (l *listener) take(ctx actor.Context) {
	s, ok := l.acceptor.take()
	if !ok {
		return
	}
	l.accepted++
	_, err := l.Spawn(ctx, supervise.Spec{
		Name: strconv.FormatUint(l.accepted, 10), Kind: "connection", Lifetime: supervise.Temporary,
		New: func() actor.Actor { return newConnection(l.cfg, s) },
	})
	if err != nil {
		panic(err) // the name was never used before
	}
}

// stale reports whether a message belongs to an earlier incarnation.
func (l *listener) stale(m any) bool {
	tagged, ok := m.(interface{ GetIncarnation() uint64 })
	return ok && tagged.GetIncarnation() != l.incarnation
}
