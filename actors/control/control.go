package control

import (
	"context"
	"io"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"receptor/actors/control/command"
	"receptor/actors/supervise"
	"receptor/actors/supervise/events"
	"receptor/actors/supervise/payload"
	routerv1 "receptor/proto/router/v1"
	supervisev1 "receptor/proto/supervise/v1"
	workv1 "receptor/proto/work/v1"
	"receptor/transport"
	"receptor/transport/bridge"
	"receptor/transport/mesh"
)

// Config describes the control service of a node.
type Config struct {
	NodeID       string
	Version      string
	Log          zerolog.Logger
	PayloadTrace payload.Trace

	Router *actor.PID
	Work   *actor.PID
	Links  *actor.PID // asked for the quality of links; nil: nobody is

	// Root is asked for the tree, if Debug allows that and everything else about the
	// inside of the node; nil: it does not. Remote lets clients look who are not at a
	// Unix socket.
	Root   *actor.PID
	Debug  func() bool
	Remote func() bool
	Desk   *actor.PID      // does what clients at a Unix socket want done; nil: nobody does
	Events *events.Journal // on while Debug is

	Plane Pinger
	Dial  transport.DialStream
	Trace bridge.Trace // told what is copied for connect; nil: nobody is
	Feeds Feeds
	// Expiring are own certificates that expire soon; nil: there are none.
	Expiring func() []command.Certificate
	// Reload may block; a *command.ReloadError names its code; nil: nothing to reload.
	Reload func(ctx context.Context, dryRun bool) ([]command.Change, error)

	Listeners *supervise.Live[[]Listener]
}

// Listener describes one place where clients arrive. One of another Version takes
// the place of the one before.
type Listener struct {
	Name    string // stable and readable: unix:/run/receptor.sock
	Version uint64
	Trusted bool // clients come over a Unix socket, guarded by file permissions
	Binding *transport.Binding[transport.StreamListener]
	// Advertise is told to the router while the listener is open; nil for none.
	Advertise *routerv1.Advertise
	MaxConns  int // connections at a time; 0 means DefaultMaxConns
}

// DefaultMaxConns bounds the connections of a listener. When there are as many, those
// idle for longest make room.
const DefaultMaxConns = 1024

// Pinger probes nodes: *mesh.Plane.
type Pinger interface {
	Ping(ctx context.Context, target string, hops byte) mesh.PingResult
}

// Feeds is the data plane of the work family.
type Feeds interface {
	// CopyResults follows the output of a unit until it is final and copied.
	CopyResults(ctx context.Context, unitID string, offset int64, w io.Writer) error
	// OpenErrors opens the standard error of a unit, on whichever node it ran.
	OpenErrors(ctx context.Context, unitID string, offset int64, follow bool) (func(context.Context, io.Writer) error, error)
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
	cfg     Config
	host    command.Host
	local   *budget // of clients at Unix sockets, which strangers can't use up
	strange *budget
}

func (c *control) Receive(ctx actor.Context) {
	if c.Supervise(ctx) {
		return
	}
	switch ctx.Message().(type) {
	case *actor.Started:
		c.host = thisHost(c.cfg.Version)
		c.local, c.strange = newBudget(longLinesTotal/2), newBudget(longLinesTotal/2)
		c.reconcile(ctx)
	case *supervisev1.Reconcile:
		c.reconcile(ctx)
	case actor.SystemMessage, actor.AutoReceiveMessage:
	default:
		unexpected(ctx, c.cfg.Log)
	}
}

// reconcile starts and stops listeners. Clients of one that is not wanted any more
// may finish what they have begun; whoever asks for the change may be one of them.
func (c *control) reconcile(ctx actor.Context) {
	var wanted []supervise.Wanted
	for _, l := range c.cfg.Listeners.Load() {
		cfg := listenerConfig{Config: c.cfg, Listener: l, host: c.host, budget: c.strange}
		if l.Trusted {
			cfg.budget = c.local
		}
		wanted = append(wanted, supervise.Wanted{Version: l.Version, Spec: supervise.Spec{
			Name: l.Name, Kind: "listener", Supervises: true, Retires: true, New: newListener(cfg),
		}})
	}
	c.Reconcile(ctx, wanted)
}

// unexpected logs a message that no case of a table names.
func unexpected(ctx actor.Context, log zerolog.Logger) {
	log.Error().Str("actor", ctx.Self().GetId()).Type("message", ctx.Message()).Msg("unexpected message")
}
