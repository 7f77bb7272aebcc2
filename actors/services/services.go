package services

import (
	"context"
	"fmt"
	"net"
	"strings"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"receptor/actors/supervise"
	routerv1 "receptor/proto/router/v1"
	"receptor/transport"
)

// Config describes the family.
type Config struct {
	Log        zerolog.Logger
	Router     *actor.PID
	Dial       transport.DialStream
	TCPServers []TCPServer
	TCPClients []TCPClient
	// MaxConnections bounds the connections of each proxy; zero means 4096.
	MaxConnections int
}

// TCPServer takes TCP connections to a service of the mesh.
type TCPServer struct {
	Addr          string // as configured, for names and logs
	Binding       *transport.Binding[net.Listener]
	RemoteNode    string
	RemoteService string
	TLSClient     string // towards the mesh; empty for the built-in profile
}

// TCPClient takes streams of the mesh to a TCP address.
type TCPClient struct {
	Service string
	Addr    string
	Binding *transport.Binding[transport.StreamListener] // listens on Service
}

// defaultMaxConnections is what one proxy carries; further clients wait.
const defaultMaxConnections = 4096

// New returns the producer of the services supervisor.
func New(cfg Config) func() actor.Actor {
	if cfg.MaxConnections == 0 {
		cfg.MaxConnections = defaultMaxConnections
	}
	return func() actor.Actor {
		return &services{Supervisor: supervise.New(cfg.Log, supervise.Backoff{}), cfg: cfg, names: map[string]int{}}
	}
}

// services starts what is configured.
//
//	parent   node
//	owns     the proxies
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
	for _, t := range s.cfg.TCPServers {
		s.spawn(ctx, "tcp-server:"+t.Addr, s.tcpServer(t))
	}
	for _, t := range s.cfg.TCPClients {
		s.spawn(ctx, "tcp-client:"+t.Service, s.tcpClient(t))
	}
}

func (s *services) spawn(ctx actor.Context, name string, cfg proxyConfig) {
	cfg.log = s.cfg.Log.With().Str("service", cfg.service).Logger()
	cfg.max = s.cfg.MaxConnections
	name = strings.ReplaceAll(name, "/", "_")
	if s.names[name]++; s.names[name] > 1 {
		name = fmt.Sprintf("%s#%d", name, s.names[name]) // a port of 0 may be asked for twice
	}
	_, err := s.Spawn(ctx, supervise.Spec{
		Name: name, Kind: "proxy", Supervises: true,
		New: func() actor.Actor { return newProxy(cfg) },
	})
	if err != nil {
		panic(fmt.Errorf("proxy %s: %w", name, err)) // names are unique
	}
}

// tcpServer listens on TCP and dials the mesh.
func (s *services) tcpServer(t TCPServer) proxyConfig {
	return proxyConfig{
		service: t.RemoteService,
		open: func() (transport.StreamListener, error) {
			l, err := t.Binding.Open()
			if err != nil {
				return nil, err
			}
			return tcpListener{l}, nil
		},
		target: t.RemoteNode + ":" + t.RemoteService,
		dial: func(ctx context.Context) (transport.StreamConn, error) {
			return s.cfg.Dial(ctx, t.RemoteNode, t.RemoteService, t.TLSClient)
		},
	}
}

// tcpClient listens on the mesh, advertises that, and dials TCP.
func (s *services) tcpClient(t TCPClient) proxyConfig {
	return proxyConfig{
		service: t.Service,
		open:    t.Binding.Open,
		target:  t.Addr,
		dial:    func(ctx context.Context) (transport.StreamConn, error) { return dialTCP(ctx, t.Addr) },
		router:  s.cfg.Router,
		advert: &routerv1.Advertise{
			Service: t.Service, ConnType: routerv1.ConnType_CONN_TYPE_STREAM,
			Tags: map[string]string{"type": "TCP Proxy", "address": t.Addr},
		},
	}
}
