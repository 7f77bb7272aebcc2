package services

import (
	"context"
	"strings"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"receptor/actors/supervise"
	routerv1 "receptor/proto/router/v1"
	supervisev1 "receptor/proto/supervise/v1"
	"receptor/transport"
)

// New returns the producer of the services supervisor.
func New(cfg Config) func() actor.Actor {
	cfg = cfg.withDefaults()
	return func() actor.Actor {
		return &services{Supervisor: supervise.New(cfg.Log, supervise.Backoff{}), cfg: cfg}
	}
}

// services starts what is configured.
//
//	parent   node
//	owns     the proxies and IP routers
//	fails    never by itself
//	restart  every proxy begins anew
type services struct {
	*supervise.Supervisor
	cfg Config
}

// Receive implements actor.Actor.
func (s *services) Receive(ctx actor.Context) {
	if s.Supervise(ctx) {
		return
	}
	switch ctx.Message().(type) {
	case *actor.Started, *supervisev1.Reconcile:
		s.reconcile(ctx)
	case *actor.Stopping, *actor.Restarting, *actor.Stopped, *actor.Terminated:
	default:
		supervise.Unexpected(ctx)
	}
}

// reconcile starts and stops what is configured.
func (s *services) reconcile(ctx actor.Context) {
	set := s.cfg.Wanted.Load()
	var wanted []supervise.Wanted
	add := func(w supervise.Wanted) { wanted = append(wanted, w) }
	for _, c := range set.TCPServers {
		add(s.proxy("tcp-server:"+c.Addr, c.Version, s.tcpServer(c)))
	}
	for _, c := range set.TCPClients {
		add(s.proxy("tcp-client:"+c.Service, c.Version, s.tcpClient(c)))
	}
	for _, c := range set.UDPServers {
		add(s.proxy("udp-server:"+c.Addr, c.Version, s.udpServer(c)))
	}
	for _, c := range set.UDPClients {
		add(s.proxy("udp-client:"+c.Service, c.Version, s.udpClient(c)))
	}
	for _, c := range set.UnixServers {
		add(s.proxy("unix-socket-server:"+c.Path, c.Version, s.unixServer(c)))
	}
	for _, c := range set.UnixClients {
		add(s.proxy("unix-socket-client:"+c.Service, c.Version, s.unixClient(c)))
	}
	for _, c := range set.Commands {
		add(s.proxy("command-service:"+c.Service, c.Version, s.command(c)))
	}
	for _, c := range set.IPRouters {
		log := s.log(c.Network)
		add(want("ip-router:"+c.Network, c.Version, supervise.Spec{
			Kind: "ip-router", New: func() actor.Actor { return newIPRouter(c, s.cfg, log) },
		}))
	}
	s.Reconcile(ctx, wanted)
}

// log is for what stands for a service of the mesh.
func (s *services) log(service string) zerolog.Logger {
	return s.cfg.Log.With().Str("service", service).Logger()
}

func (s *services) proxy(name string, version uint64, cfg proxyConfig) supervise.Wanted {
	cfg.log = s.log(cfg.service)
	return want(name, version, supervise.Spec{
		Kind: "proxy", Supervises: true, New: func() actor.Actor { return newProxy(cfg) },
	})
}

func want(name string, version uint64, spec supervise.Spec) supervise.Wanted {
	spec.Name = strings.ReplaceAll(name, "/", "_")
	return supervise.Wanted{Spec: spec, Version: version}
}

// outward is a proxy that listens on this machine and dials the mesh.
func (s *services) outward(
	open func() (transport.StreamListener, error), node, service, tlsClient string,
) proxyConfig {
	target := node + ":" + service
	serve := s.joinEarly(target, func(ctx context.Context, early []byte) (transport.StreamConn, error) {
		return s.cfg.Dial(ctx, node, service, tlsClient, early)
	})
	return proxyConfig{service: service, target: target, open: s.accepting(open, serve)}
}

// inward is a proxy that listens on the mesh, and advertises that.
func (s *services) inward(
	service, tlsServer, target string, tags map[string]string,
	open func() (transport.StreamListener, error), serve serveStream,
) proxyConfig {
	kind := routerv1.ConnType_CONN_TYPE_STREAM
	if tlsServer != "" {
		kind = routerv1.ConnType_CONN_TYPE_STREAM_TLS
	}
	return proxyConfig{
		service: service, target: target, open: s.accepting(open, serve),
		router: s.cfg.Router, advert: &routerv1.Advertise{Service: service, ConnType: kind, Tags: tags},
	}
}

// accepting is an intake of byte streams.
func (s *services) accepting(
	open func() (transport.StreamListener, error), serve serveStream,
) func(proxySink) (intake, error) {
	return func(out proxySink) (intake, error) {
		l, err := open()
		if err != nil {
			return nil, err
		}
		return newAcceptor(l, s.cfg.MaxConnections, serve, out), nil
	}
}
