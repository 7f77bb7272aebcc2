package services

import (
	"context"
	"fmt"
	"strings"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"receptor/actors/supervise"
	routerv1 "receptor/proto/router/v1"
	"receptor/transport"
)

// New returns the producer of the services supervisor.
func New(cfg Config) func() actor.Actor {
	cfg = cfg.withDefaults()
	return func() actor.Actor {
		return &services{Supervisor: supervise.New(cfg.Log, supervise.Backoff{}), cfg: cfg, names: map[string]int{}}
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
	cfg   Config
	names map[string]int // how often a name was asked for
}

// Receive implements actor.Actor.
func (s *services) Receive(ctx actor.Context) {
	if s.Supervise(ctx) {
		return
	}
	switch ctx.Message().(type) {
	case *actor.Started:
		s.start(ctx)
	case *actor.Stopping, *actor.Restarting, *actor.Stopped, *actor.Terminated:
	default:
		supervise.Unexpected(ctx)
	}
}

func (s *services) start(ctx actor.Context) {
	for _, c := range s.cfg.TCPServers {
		s.proxy(ctx, "tcp-server:"+c.Addr, s.tcpServer(c))
	}
	for _, c := range s.cfg.TCPClients {
		s.proxy(ctx, "tcp-client:"+c.Service, s.tcpClient(c))
	}
	for _, c := range s.cfg.UDPServers {
		s.proxy(ctx, "udp-server:"+c.Addr, s.udpServer(c))
	}
	for _, c := range s.cfg.UDPClients {
		s.proxy(ctx, "udp-client:"+c.Service, s.udpClient(c))
	}
	for _, c := range s.cfg.UnixServers {
		s.proxy(ctx, "unix-socket-server:"+c.Path, s.unixServer(c))
	}
	for _, c := range s.cfg.UnixClients {
		s.proxy(ctx, "unix-socket-client:"+c.Service, s.unixClient(c))
	}
	for _, c := range s.cfg.Commands {
		s.proxy(ctx, "command-service:"+c.Service, s.command(c))
	}
	for _, c := range s.cfg.IPRouters {
		log := s.log(c.Network)
		s.spawn(ctx, "ip-router:"+c.Network, supervise.Spec{
			Kind: "ip-router", New: func() actor.Actor { return newIPRouter(c, s.cfg, log) },
		})
	}
}

// log is for what stands for a service of the mesh.
func (s *services) log(service string) zerolog.Logger {
	return s.cfg.Log.With().Str("service", service).Logger()
}

func (s *services) proxy(ctx actor.Context, name string, cfg proxyConfig) {
	cfg.log = s.log(cfg.service)
	s.spawn(ctx, name, supervise.Spec{
		Kind: "proxy", Supervises: true, New: func() actor.Actor { return newProxy(cfg) },
	})
}

func (s *services) spawn(ctx actor.Context, name string, spec supervise.Spec) {
	spec.Name = strings.ReplaceAll(name, "/", "_")
	if s.names[spec.Name]++; s.names[spec.Name] > 1 {
		spec.Name = fmt.Sprintf("%s#%d", spec.Name, s.names[spec.Name]) // a port of 0 may be asked for twice
	}
	if _, err := s.Spawn(ctx, spec); err != nil {
		panic(fmt.Errorf("%s %s: %w", spec.Kind, spec.Name, err)) // names are unique
	}
}

// outward is a proxy that listens on this machine and dials the mesh.
func (s *services) outward(
	open func() (transport.StreamListener, error), node, service, tlsClient string,
) proxyConfig {
	target := node + ":" + service
	serve := join(target, func(ctx context.Context) (transport.StreamConn, error) {
		return s.cfg.Dial(ctx, node, service, tlsClient)
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
