package services

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"receptor/actors/services/iproute"
	"receptor/actors/services/tun"
	"receptor/actors/supervise"
	routerv1 "receptor/proto/router/v1"
	servicesv1 "receptor/proto/services/v1"
	"receptor/transport"
	"receptor/transport/mesh"
)

// IPRouterText is an IP router as configured.
type IPRouterText struct {
	Network   string // also the name of the service
	Interface string // empty: the kernel's choice
	LocalNet  string // IPv4, /30
	Routes    string // networks behind this node, separated by commas
}

// NewIPRouter checks a configuration. Nothing is opened yet.
func NewIPRouter(plane *mesh.Plane, text IPRouterText) (IPRouter, error) {
	local, err := iproute.ParseLocalNet(text.LocalNet)
	if err != nil {
		return IPRouter{}, err
	}
	routes, err := iproute.ParseRoutes(text.Routes)
	if err != nil {
		return IPRouter{}, err
	}
	device := tun.Config{Name: text.Interface, Local: local.Link, Peer: local.Peer, Bits: local.Prefix.Bits()}
	return IPRouter{
		Network: text.Network, Local: local, Routes: routes, plane: plane,
		Socket: ListenDatagrams(plane, text.Network),
		Device: transport.NewBinding(func() (*tun.Device, error) { return tun.Open(device) }),
	}, nil
}

func newIPRouter(cfg IPRouter, family Config, log zerolog.Logger) *ipRouter {
	return &ipRouter{
		cfg: cfg, router: family.Router, poll: family.PollInterval, log: log,
		incarnation: rand.Uint64(), table: iproute.NewTable(cfg.Network, nil),
	}
}

// ipRouter joins IP networks over the mesh.
//
//	parent   services, which restarts it with Backoff
//	owns     one tunnel: a tun device, a socket of the mesh and what is between
//	fails    when the device or the socket can't be had, or is lost
//	restart  opens both again; nothing is routed before the router has answered
type ipRouter struct {
	cfg         IPRouter
	router      *actor.PID
	poll        time.Duration
	log         zerolog.Logger
	incarnation uint64
	tunnel      *tunnel // nil while there is none
	table       *iproute.Table
	timer       *time.Timer
}

// Receive implements actor.Actor.
func (r *ipRouter) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		r.log = supervise.Logger(ctx, r.log)
		r.start(ctx)
	case *actor.Stopping, *actor.Restarting:
		r.stop(ctx)
	case *actor.Stopped:

	case *routerv1.Status:
		r.networks(m)
	case *servicesv1.PollNetworks:
		r.ask(ctx, m)
	case *servicesv1.ListenerLost:
		r.lost(ctx, m)
	case *servicesv1.TroubleSeen:
		r.trouble(m)

	default:
		supervise.Unexpected(ctx)
	}
}

func (r *ipRouter) start(ctx actor.Context) {
	socket, err := r.cfg.Socket.Open()
	if err != nil {
		r.failed(err)
	}
	device, err := r.cfg.Device.Open()
	if err != nil {
		r.failed(errors.Join(err, socket.Close()))
	}
	sink := proxySink{root: ctx.ActorSystem().Root, proxy: ctx.Self(), incarnation: r.incarnation}
	r.tunnel = newTunnel(r.cfg, device, socket, sink)
	r.tunnel.start()
	r.log.Info().Str("addr", r.cfg.Local.Link.String()).Str("interface", device.Name()).Msg("routing IP packets")
	ctx.Send(r.router, &routerv1.Advertise{
		Service: r.cfg.Network, ConnType: routerv1.ConnType_CONN_TYPE_DATAGRAM_UNSPECIFIED,
		Tags: iproute.Tags(r.cfg.Network, r.cfg.Local, r.cfg.Routes),
	})
	r.ask(ctx, &servicesv1.PollNetworks{Incarnation: r.incarnation})
}

func (r *ipRouter) failed(err error) {
	r.log.Warn().Err(err).Msg("can't route IP packets (will retry)")
	supervise.Fail(supervise.CauseBind, fmt.Errorf("IP network %s: %w", r.cfg.Network, err))
}

// stop withdraws first: nobody should send to what is about to close.
func (r *ipRouter) stop(ctx actor.Context) {
	if r.tunnel == nil {
		return
	}
	r.timer.Stop()
	ctx.Send(r.router, &routerv1.Withdraw{Service: r.cfg.Network})
	if err := r.tunnel.stop(); err != nil {
		r.log.Debug().Err(err).Msg("close of a tunnel")
	}
	r.tunnel = nil
}

// ask asks the router now and sets the timer for the next time.
func (r *ipRouter) ask(ctx actor.Context, m *servicesv1.PollNetworks) {
	if m.GetIncarnation() != r.incarnation || r.tunnel == nil {
		return
	}
	ctx.Request(r.router, &routerv1.GetStatus{})
	root, self := ctx.ActorSystem().Root, ctx.Self()
	r.timer = time.AfterFunc(r.poll, func() { root.Send(self, m) })
}

// networks takes what the router knows. The kernel is told each time: routes may
// have been removed by others.
func (r *ipRouter) networks(m *routerv1.Status) {
	if r.tunnel == nil {
		return
	}
	table := iproute.NewTable(r.cfg.Network, m)
	if !table.Equal(r.table) {
		r.log.Info().Int("routes", len(table.Prefixes())).Msg("IP networks changed")
		r.table = table
	}
	own := append([]netip.Prefix{r.cfg.Local.Prefix}, r.cfg.Routes...)
	r.tunnel.route(r.table, r.table.Prefixes(own...))
}

func (r *ipRouter) lost(ctx actor.Context, m *servicesv1.ListenerLost) {
	if m.GetIncarnation() != r.incarnation {
		return
	}
	r.stop(ctx)
	r.log.Warn().Str("err", m.GetText()).Msg("lost the network interface or the service, opening both again")
	supervise.Fail(supervise.CauseLost, errors.New(m.GetText()))
}

func (r *ipRouter) trouble(m *servicesv1.TroubleSeen) {
	if m.GetIncarnation() == r.incarnation {
		r.log.Warn().Str("err", m.GetText()).Msg("IP packets can't be routed")
	}
}
