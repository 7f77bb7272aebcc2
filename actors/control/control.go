package control

import (
	"context"
	"io"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"receptor/actors/control/command"
	"receptor/actors/supervise"
	routerv1 "receptor/proto/router/v1"
	workv1 "receptor/proto/work/v1"
	"receptor/transport"
	"receptor/transport/mesh"
)

// Config describes the control service of a node.
type Config struct {
	NodeID  string
	Version string
	Log     zerolog.Logger

	Router *actor.PID
	Work   *actor.PID
	Root   *actor.PID // asked for the tree; nil refuses it

	Plane Pinger
	Dial  transport.DialStream
	Feeds Feeds
	// Expiring are own certificates that expire soon; nil: there are none.
	Expiring func() []command.Certificate
	Reload   func() error // may block; a *command.ReloadError names its code; nil: nothing to reload

	Listeners []Listener
}

// Listener describes one place where clients arrive.
type Listener struct {
	Name    string // stable and readable: unix:/run/receptor.sock
	Trusted bool   // clients come over a Unix socket, guarded by file permissions
	Binding *transport.Binding[transport.StreamListener]
	// Advertise is told to the router while the listener is open; nil for none.
	Advertise *routerv1.Advertise
	MaxConns  int // connections at a time; 0 means DefaultMaxConns
}

// DefaultMaxConns bounds the connections of a listener.
const DefaultMaxConns = 1024

// Pinger probes nodes: *mesh.Plane.
type Pinger interface {
	Ping(ctx context.Context, target string, hops byte) mesh.PingResult
}

// Feeds is the data plane of the work family.
type Feeds interface {
	// CopyResults follows the output of a unit until it is final and copied.
	CopyResults(ctx context.Context, unitID string, offset int64, w io.Writer) error
	// WatchStatus calls each with the status now and at each change, and returns
	// after a final state.
	WatchStatus(ctx context.Context, unitID string, each func(*workv1.Status) error) error
	// WatchUnits does the same for the units asked for ("+ID") until they are asked
	// off ("-ID"), and calls each with none when nothing happens for a while.
	WatchUnits(ctx context.Context, asked <-chan string, each func([]*workv1.Status) error) error
}

// New returns the producer of the control supervisor.
func New(cfg Config) func() actor.Actor {
	return func() actor.Actor {
		return &control{Supervisor: supervise.New(cfg.Log, supervise.Backoff{}), cfg: cfg}
	}
}

// control starts the listeners.
//
//	parent   node, which restarts it with Backoff
//	owns     its listeners
//	fails    never by itself
//	restart  starts all listeners anew
type control struct {
	*supervise.Supervisor
	cfg Config
}

func (c *control) Receive(ctx actor.Context) {
	if c.Supervise(ctx) {
		return
	}
	switch ctx.Message().(type) {
	case *actor.Started:
		c.start(ctx)
	case actor.SystemMessage, actor.AutoReceiveMessage:
	default:
		unexpected(ctx, c.cfg.Log)
	}
}

func (c *control) start(ctx actor.Context) {
	host := thisHost(c.cfg.Version)
	budget := newBudget(longLinesTotal)
	for _, l := range c.cfg.Listeners {
		_, err := c.Spawn(ctx, supervise.Spec{
			Name: l.Name, Kind: "listener", Supervises: true,
			New: newListener(listenerConfig{Config: c.cfg, Listener: l, host: host, budget: budget}),
		})
		if err != nil {
			panic(err) // two listeners of one name: the configuration was not checked
		}
	}
}

// unexpected logs a message that no case of a table names.
func unexpected(ctx actor.Context, log zerolog.Logger) {
	log.Error().Str("actor", ctx.Self().GetId()).Type("message", ctx.Message()).Msg("unexpected message")
}
