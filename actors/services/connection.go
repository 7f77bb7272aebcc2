package services

import (
	"context"
	"errors"
	"fmt"

	"github.com/asynkron/protoactor-go/actor"

	"receptor/actors/supervise"
	servicesv1 "receptor/proto/services/v1"
	"receptor/transport"
	"receptor/transport/bridge"
)

// connection joins one client with the target.
//
//	parent   proxy, which never restarts it: the client comes again
//	owns     the client and a goroutine that dials the target and copies
//	fails    when the target can't be reached, or a side breaks off
//	restart  none
type connection struct {
	cfg    proxyConfig
	client transport.StreamConn
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{} // closed when the goroutine has ended
}

func newConnection(cfg proxyConfig, client transport.StreamConn) *connection {
	c := &connection{cfg: cfg, client: client, done: make(chan struct{})}
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
		c.ended(m)

	default:
		supervise.Unexpected(ctx)
	}
}

// connectionSink is the only place where the copying goroutine meets the mailbox.
type connectionSink struct {
	root       *actor.RootContext
	connection *actor.PID
}

func (s connectionSink) ended(end servicesv1.End, text string) {
	s.root.Send(s.connection, &servicesv1.ConnectionEnded{End: end, Text: text})
}

func (c *connection) run(out connectionSink) {
	defer close(c.done)
	target, err := c.cfg.dial(c.ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("dial %s: %w", c.cfg.target, err), c.client.Close())
		out.ended(servicesv1.End_END_REFUSED, err.Error())
		return
	}
	interrupt := context.AfterFunc(c.ctx, func() {
		bridge.Abort(target)
		bridge.Abort(c.client)
	})
	defer interrupt()
	if err := bridge.Bridge(c.client, target); err != nil {
		out.ended(servicesv1.End_END_LOST, err.Error())
		return
	}
	out.ended(servicesv1.End_END_CLOSED, "closed")
}

// ended is where a client's fate is told: one warning for one that could not be
// served; a connection that breaks off is everyday life.
func (c *connection) ended(m *servicesv1.ConnectionEnded) {
	switch m.GetEnd() {
	case servicesv1.End_END_REFUSED:
		c.cfg.log.Warn().Stringer("addr", c.client.RemoteAddr()).Str("err", m.GetText()).Msg("client can't be served")
		supervise.Fail(supervise.CauseRefused, errors.New(m.GetText()))
	case servicesv1.End_END_LOST:
		supervise.Fail(supervise.CauseLost, errors.New(m.GetText()))
	default:
		supervise.Fail(supervise.CauseDone, errors.New(m.GetText()))
	}
}
