package services

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"receptor/actors/supervise"
	routerv1 "receptor/proto/router/v1"
	servicesv1 "receptor/proto/services/v1"
	"receptor/transport"
)

// proxyConfig says where a proxy listens and what it dials for each client.
type proxyConfig struct {
	log     zerolog.Logger
	service string // of the mesh
	open    func() (transport.StreamListener, error)
	target  string
	dial    func(ctx context.Context) (transport.StreamConn, error)
	router  *actor.PID          // told of advert
	advert  *routerv1.Advertise // nil if it does not listen on the mesh
	max     int
}

func newProxy(cfg proxyConfig) *proxy {
	return &proxy{
		Supervisor: supervise.New(cfg.log, supervise.Backoff{}), cfg: cfg, incarnation: rand.Uint64(),
	}
}

// proxy listens, and has a connection for each client.
//
//	parent   services, which restarts it with Backoff
//	owns     one acceptor: a listener and the goroutine that blocks on it
//	fails    when the listener can't be had, or is lost
//	restart  listens again; connections that were open have ended
type proxy struct {
	*supervise.Supervisor
	cfg         proxyConfig
	incarnation uint64
	acceptor    *acceptor // nil while there is no listener
}

// Receive implements actor.Actor.
func (p *proxy) Receive(ctx actor.Context) {
	if p.Supervise(ctx) {
		return
	}
	switch m := ctx.Message().(type) {
	case *actor.Started:
		p.start(ctx)
	case *actor.Stopping, *actor.Restarting:
		p.stop(ctx)
	case *actor.Terminated:
		p.left()
	case *actor.Stopped:

	case *servicesv1.ClientAccepted:
		p.accepted(ctx, m)
	case *servicesv1.ListenerLost:
		p.lost(ctx, m)

	default:
		supervise.Unexpected(ctx)
	}
}

func (p *proxy) start(ctx actor.Context) {
	l, err := p.cfg.open()
	if err != nil {
		supervise.Fail(supervise.CauseBind, fmt.Errorf("proxy to %s: %w", p.cfg.target, err))
	}
	p.acceptor = newAcceptor(l, p.cfg.max)
	if p.cfg.advert != nil {
		ctx.Send(p.cfg.router, p.cfg.advert)
	}
	p.acceptor.start(proxySink{root: ctx.ActorSystem().Root, proxy: ctx.Self(), incarnation: p.incarnation})
}

// stop withdraws first: nobody should dial what is about to close.
func (p *proxy) stop(ctx actor.Context) {
	if p.acceptor == nil {
		return
	}
	if p.cfg.advert != nil {
		ctx.Send(p.cfg.router, &routerv1.Withdraw{Service: p.cfg.service})
	}
	if err := p.acceptor.stop(); err != nil {
		p.cfg.log.Debug().Err(err).Msg("close of a proxy's listener")
	}
	p.acceptor = nil
}

// left makes room for one more connection.
func (p *proxy) left() {
	if p.acceptor != nil {
		p.acceptor.leave()
	}
}

func (p *proxy) accepted(ctx actor.Context, m *servicesv1.ClientAccepted) {
	if m.GetIncarnation() != p.incarnation {
		return // the old acceptor has closed it
	}
	client := p.acceptor.take(m.GetClient())
	_, err := p.Spawn(ctx, supervise.Spec{
		Name: fmt.Sprint(m.GetClient()), Kind: "connection", Lifetime: supervise.Temporary,
		New: func() actor.Actor { return newConnection(p.cfg, client) },
	})
	if err != nil {
		panic(fmt.Errorf("connection %d: %w", m.GetClient(), err)) // numbers are unique
	}
}

func (p *proxy) lost(ctx actor.Context, m *servicesv1.ListenerLost) {
	if m.GetIncarnation() != p.incarnation {
		return
	}
	p.stop(ctx)
	supervise.Fail(supervise.CauseLost, errors.New(m.GetText()))
}
