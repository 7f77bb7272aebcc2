package services

import (
	"context"
	"errors"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"receptor/actors/supervise"
	servicesv1 "receptor/proto/services/v1"
)

// guest is a client that came, and what is done for it.
type guest struct {
	name, kind string
	addr       string
	// serve blocks until all is over or ctx is done, and leaves nothing open.
	serve func(ctx context.Context) (servicesv1.End, error)
}

// connection serves one client.
//
//	parent   proxy, which never restarts it: the client comes again
//	owns     the client, what it is joined with, and the goroutines between
//	fails    when the far end can't be had, a side breaks off, or all is said
//	restart  none
type connection struct {
	log    zerolog.Logger
	guest  guest
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{} // closed when the goroutine has ended
}

func newConnection(log zerolog.Logger, g guest) *connection {
	c := &connection{log: log, guest: g, done: make(chan struct{})}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// Receive implements actor.Actor.
func (c *connection) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		go c.run(connectionSink{root: ctx.ActorSystem().Root, connection: ctx.Self()})
	case *actor.Stopping, *actor.Restarting:
		c.cancel()
		<-c.done
	case *actor.Stopped:

	case *servicesv1.ConnectionEnded:
		c.ended(ctx, m)

	default:
		supervise.Unexpected(ctx)
	}
}

// connectionSink is the only place where a connection's goroutines meet its
// mailbox.
type connectionSink struct {
	root       *actor.RootContext
	connection *actor.PID
}

func (s connectionSink) ended(end servicesv1.End, why error) {
	s.root.Send(s.connection, &servicesv1.ConnectionEnded{End: end, Text: why.Error()})
}

var errAllSaid = errors.New("closed")

func (c *connection) run(out connectionSink) {
	defer close(c.done)
	end, why := c.guest.serve(c.ctx)
	if why == nil {
		why = errAllSaid
	}
	out.ended(end, why)
}

// ended is where a client's fate is told: one warning for one that could not be
// served; a connection that breaks off is everyday life.
func (c *connection) ended(ctx actor.Context, m *servicesv1.ConnectionEnded) {
	switch m.GetEnd() {
	case servicesv1.End_END_REFUSED:
		c.log.Warn().Str("addr", c.guest.addr).Str("err", m.GetText()).Msg("client can't be served")
		supervise.Fail(supervise.CauseRefused, errors.New(m.GetText()))
	case servicesv1.End_END_LOST:
		supervise.Fail(supervise.CauseLost, errors.New(m.GetText()))
	default:
		supervise.Finish(ctx)
	}
}
