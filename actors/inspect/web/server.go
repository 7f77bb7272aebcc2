package web

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"
	"golang.org/x/net/netutil"

	"receptor/actors/supervise"
	"receptor/actors/supervise/describe"
	inspectv1 "receptor/proto/inspect/v1"
	supervisev1 "receptor/proto/supervise/v1"
	"receptor/transport"
)

const (
	headerTimeout = 5 * time.Second
	idleTimeout   = 10 * time.Second
	headerBytes   = 16 << 10
	// maxClients bounds the connections at a time; others wait until one ends, which
	// each does soon unless it follows the events.
	maxClients = 256
)

// Config is what the family needs.
type Config struct {
	Log       zerolog.Logger
	Listeners *supervise.Live[[]Listener]
	Source    Source
}

// Listener is an address to listen on. One of another Version takes the place of
// the one before.
type Listener struct {
	Name    string // http:127.0.0.1:9000
	Version uint64
	Binding *transport.Binding[net.Listener]
	// AnyHost lets requests pass whose Host names no loopback address: the listener
	// is meant to be reached from elsewhere. Without it a page of another site can't
	// read the node through a name that it makes point to loopback.
	AnyHost bool
}

// New returns the producer of the family.
func New(cfg Config) func() actor.Actor {
	return func() actor.Actor {
		return &family{Supervisor: supervise.New(cfg.Log, supervise.Backoff{}), cfg: cfg}
	}
}

// family starts the servers that are wanted.
//
//	parent   the root
//	owns     its servers
//	fails    never by itself
//	restart  starts all servers anew
type family struct {
	*supervise.Supervisor
	cfg Config
}

func (f *family) Receive(ctx actor.Context) {
	if f.Supervise(ctx) {
		return
	}
	switch ctx.Message().(type) {
	case *actor.Started, *supervisev1.Reconcile:
		f.reconcile(ctx)
	case actor.SystemMessage, actor.AutoReceiveMessage:
	default:
		supervise.Unexpected(ctx)
	}
}

func (f *family) reconcile(ctx actor.Context) {
	var wanted []supervise.Wanted
	for _, l := range f.cfg.Listeners.Load() {
		wanted = append(wanted, supervise.Wanted{Version: l.Version, Spec: supervise.Spec{
			Name: l.Name, Kind: "listener", New: func() actor.Actor { return &server{log: f.cfg.Log, src: f.cfg.Source, at: l} },
		}})
	}
	f.Reconcile(ctx, wanted)
}

// server serves HTTP at one address.
//
//	parent   family
//	owns     the listener, and a goroutine for each connection
//	fails    when it can't listen, or the listener breaks
//	restart  opens the socket again
type server struct {
	log  zerolog.Logger
	src  Source
	at   Listener
	http *http.Server
	addr string
}

func (s *server) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		s.start(ctx)
	case *actor.Stopping, *actor.Restarting:
		s.stop()
	case *inspectv1.ServerEnded:
		supervise.Fail(supervise.CauseLost, errors.New(m.GetReason()))
	default:
		supervise.Unexpected(ctx)
	}
}

// Describe implements supervise.Describer.
func (s *server) Describe() *inspectv1.Description {
	return describe.Of(describe.Text("address", s.addr), describe.Flag("answers to any name", s.at.AnyHost))
}

func (s *server) start(ctx actor.Context) {
	listener, err := s.at.Binding.Open()
	if err != nil {
		supervise.Fail(supervise.CauseBind, err)
	}
	s.http = &http.Server{
		Handler: Handler(s.src, s.at.AnyHost), ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: headerBytes,
		ErrorLog: slog.NewLogLogger(zerolog.NewSlogHandler(s.log), slog.LevelDebug),
	}
	s.addr = listener.Addr().String()
	s.log.Info().Str("addr", s.addr).Msg("HTTP is listening")
	self, root, web := ctx.Self(), ctx.ActorSystem().Root, s.http
	go func() {
		err := web.Serve(netutil.LimitListener(listener, maxClients))
		if !errors.Is(err, http.ErrServerClosed) {
			root.Send(self, &inspectv1.ServerEnded{Reason: err.Error()})
		}
	}()
}

// stop ends all connections at once: what they do is look.
func (s *server) stop() {
	if s.http == nil {
		return
	}
	if err := s.http.Close(); err != nil {
		s.log.Warn().Err(err).Msg("close the HTTP listener")
	}
}
