package links

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"receptor/actors/supervise"
	"receptor/actors/supervise/brevity"
	linksv1 "receptor/proto/links/v1"
	"receptor/transport"
)

// newListener describes the supervisor of the links that neighbours dial.
func newListener(b Backend, link linkConfig) func() actor.Actor {
	link.brevity = &brevity.Brevity{}
	return func() actor.Actor {
		return &listener{
			Supervisor: supervise.New(link.log, supervise.DefaultBackoff),
			backend:    b, link: link, log: link.log, incarnation: rand.Uint64(),
		}
	}
}

// listener accepts connections.
//
//	parent   links, which restarts it with backoff
//	owns     a listening socket and the goroutine that blocks on it; one link per connection
//	fails    when the socket can't be had or is lost
//	restart  binds again; the neighbours dial again
type listener struct {
	*supervise.Supervisor
	backend     Backend
	link        linkConfig
	log         zerolog.Logger
	incarnation uint64
	acceptor    *acceptor // nil without a socket
	count       uint64    // connections so far
	stopping    bool
}

func (l *listener) Receive(ctx actor.Context) {
	if l.Supervise(ctx) || l.stale(ctx.Message()) {
		return
	}
	switch m := ctx.Message().(type) {
	case *actor.Started:
		l.start(ctx)
	case *actor.Stopping, *actor.Restarting:
		l.stopping = true
		l.close()

	case *linksv1.SetRules:
		l.link.setRules(ctx, m, l.Children())

	case *linksv1.DialNow: // to those who wait for that
		for _, link := range l.Children() {
			ctx.Send(link, m)
		}

	case *linksv1.ConnAccepted:
		l.accepted(ctx)
	case *linksv1.AcceptFailed:
		l.failed(m)

	default:
		supervise.Unexpected(ctx)
	}
}

func (l *listener) stale(message any) bool {
	m, ok := message.(interface{ GetIncarnation() uint64 })
	return ok && m.GetIncarnation() != l.incarnation
}

func (l *listener) start(ctx actor.Context) {
	l.log = supervise.Logger(ctx, l.log)
	socket, err := l.backend.Binding.Open()
	if err != nil {
		supervise.Fail(supervise.CauseBind, err)
	}
	kind, _ := splitName(l.backend.Name)
	where := socket.Addr()
	if web, ok := socket.(interface{ Path() string }); ok {
		where += " path " + web.Path()
	}
	l.log.Debug().Msgf("Listening on %s %s", kind, where)
	l.acceptor = startAcceptor(socket, acceptSink{
		root: ctx.ActorSystem().Root, listener: ctx.Self(), incarnation: l.incarnation,
	})
}

// accepted gives the connection to a link of its own.
func (l *listener) accepted(ctx actor.Context) {
	conn, settled := l.acceptor.Take()
	if conn == nil {
		return
	}
	l.count++
	link := l.link
	link.settled, link.met = settled, new(atomic.Pointer[neighbour])
	link.open = func(context.Context) (transport.Conn, error) { return conn, nil }
	_, err := l.Spawn(ctx, supervise.Spec{
		Name: fmt.Sprintf("%s-%d", conn.RemoteAddr(), l.count), Kind: "link",
		Lifetime: supervise.Temporary, New: newLink(link),
	})
	if err != nil {
		panic(fmt.Errorf("spawn link: %w", err)) // the count makes names unique: an invariant
	}
}

// failed ends this incarnation if the socket is gone.
func (l *listener) failed(m *linksv1.AcceptFailed) {
	if m.GetTemporary() {
		l.log.Warn().Str("err", m.GetText()).Msg("connections can't be accepted now")
		return
	}
	l.close()
	supervise.Fail(supervise.CauseLost, fmt.Errorf("accepting: %s", m.GetText()))
}

func (l *listener) close() {
	if l.acceptor == nil {
		return
	}
	if err := l.acceptor.Stop(); err != nil {
		l.log.Debug().Err(err).Msg("closing the listening socket")
	}
	l.acceptor = nil
}

// HandleFailure says in the log what happened; the Supervisor does the rest.
func (l *listener) HandleFailure(system *actor.ActorSystem, sup actor.Supervisor, who *actor.PID,
	stats *actor.RestartStatistics, reason, message any,
) {
	if log, ok := l.voice(reason); ok && !l.stopping {
		logEnd(log, l.childName(who), reason, false)
	}
	l.Supervisor.HandleFailure(system, sup, who, stats, reason, message)
}

// voice is the logger for the end of a link; not every stranger is worth a line.
func (l *listener) voice(reason any) (zerolog.Logger, bool) {
	var stranger *strangerError
	if err, ok := reason.(error); ok && errors.As(err, &stranger) {
		return l.link.brevity.Logger(l.log, time.Now())
	}
	return l.log, true
}

// childName is <address>-<n>.
func (l *listener) childName(who *actor.PID) string {
	return who.GetId()[strings.LastIndexByte(who.GetId(), '/')+1:]
}

// acceptSink is the only place where the accept loop meets the mailbox.
type acceptSink struct {
	root        *actor.RootContext // never actor.Context: it belongs to Receive
	listener    *actor.PID
	incarnation uint64
}

func (s acceptSink) Accepted() {
	s.root.Send(s.listener, &linksv1.ConnAccepted{Incarnation: s.incarnation})
}

func (s acceptSink) Failed(err error, temporary bool) {
	s.root.Send(s.listener, &linksv1.AcceptFailed{
		Incarnation: s.incarnation, Text: err.Error(), Temporary: temporary,
	})
}
