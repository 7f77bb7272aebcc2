package services

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"receptor/actors/supervise"
	routerv1 "receptor/proto/router/v1"
	servicesv1 "receptor/proto/services/v1"
)

// proxyConfig says where a proxy finds its clients and where they are led.
type proxyConfig struct {
	log     zerolog.Logger
	service string // of the mesh
	target  string // for people
	open    func(out proxySink) (intake, error)
	router  *actor.PID          // told of advert
	advert  *routerv1.Advertise // nil if it does not listen on the mesh
}

// intake owns a socket at which clients appear, and the goroutine that blocks on
// it. It tells of each client by a number.
type intake interface {
	start()
	take(client uint64) guest
	left() // the actor of one that was taken has ended
	stop() error
}

// proxySink is the only place where the goroutines of an intake meet the proxy's
// mailbox.
type proxySink struct {
	root        *actor.RootContext
	proxy       *actor.PID
	incarnation uint64
}

func (s proxySink) appeared(client uint64) {
	s.root.Send(s.proxy, &servicesv1.ClientAppeared{Incarnation: s.incarnation, Client: client})
}

func (s proxySink) lost(err error) {
	s.root.Send(s.proxy, &servicesv1.ListenerLost{Incarnation: s.incarnation, Text: err.Error()})
}

func (s proxySink) trouble(err error) {
	s.root.Send(s.proxy, &servicesv1.TroubleSeen{Incarnation: s.incarnation, Text: err.Error()})
}

func newProxy(cfg proxyConfig) *proxy {
	return &proxy{
		Supervisor: supervise.New(cfg.log, supervise.Backoff{}), cfg: cfg, incarnation: rand.Uint64(),
	}
}

// proxy listens, and has a connection for each client.
//
//	parent   services, which restarts it with Backoff
//	owns     one intake: a socket and the goroutine that blocks on it
//	fails    when the socket can't be had, or is lost
//	restart  listens again; connections that were open have ended
type proxy struct {
	*supervise.Supervisor
	cfg         proxyConfig
	incarnation uint64
	intake      intake // nil while there is no socket
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

	case *servicesv1.ClientAppeared:
		p.appeared(ctx, m)
	case *servicesv1.ListenerLost:
		p.lost(ctx, m)
	case *servicesv1.TroubleSeen:
		p.trouble(m)

	default:
		supervise.Unexpected(ctx)
	}
}

func (p *proxy) start(ctx actor.Context) {
	p.cfg.log = supervise.Logger(ctx, p.cfg.log)
	in, err := p.cfg.open(proxySink{root: ctx.ActorSystem().Root, proxy: ctx.Self(), incarnation: p.incarnation})
	if err != nil {
		p.cfg.log.Warn().Err(err).Msg("can't listen for clients (will retry)")
		supervise.Fail(supervise.CauseBind, fmt.Errorf("proxy to %s: %w", p.cfg.target, err))
	}
	p.intake = in
	if p.cfg.advert != nil {
		ctx.Send(p.cfg.router, p.cfg.advert)
	}
	p.intake.start()
}

// stop withdraws first: nobody should dial what is about to close.
func (p *proxy) stop(ctx actor.Context) {
	if p.intake == nil {
		return
	}
	if p.cfg.advert != nil {
		ctx.Send(p.cfg.router, &routerv1.Withdraw{Service: p.cfg.service})
	}
	if err := p.intake.stop(); err != nil {
		p.cfg.log.Debug().Err(err).Msg("close of a proxy's socket")
	}
	p.intake = nil
}

// left makes room for one more connection.
func (p *proxy) left() {
	if p.intake != nil {
		p.intake.left()
	}
}

func (p *proxy) appeared(ctx actor.Context, m *servicesv1.ClientAppeared) {
	if m.GetIncarnation() != p.incarnation || p.intake == nil {
		return // the old intake has closed it
	}
	g := p.intake.take(m.GetClient())
	_, err := p.Spawn(ctx, supervise.Spec{
		Name: g.name, Kind: g.kind, Lifetime: supervise.Temporary,
		New: func() actor.Actor { return newConnection(p.cfg.log, g) },
	})
	if err != nil {
		panic(fmt.Errorf("%s %s: %w", g.kind, g.name, err)) // numbers are unique
	}
}

func (p *proxy) lost(ctx actor.Context, m *servicesv1.ListenerLost) {
	if m.GetIncarnation() != p.incarnation {
		return
	}
	p.stop(ctx)
	p.cfg.log.Warn().Str("err", m.GetText()).Msg("lost the socket for clients, opening it again")
	supervise.Fail(supervise.CauseLost, errors.New(m.GetText()))
}

func (p *proxy) trouble(m *servicesv1.TroubleSeen) {
	if m.GetIncarnation() == p.incarnation {
		p.cfg.log.Warn().Str("err", m.GetText()).Msg("clients can't be served")
	}
}
