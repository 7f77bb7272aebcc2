package links

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"receptor/actors/supervise"
	linksv1 "receptor/proto/links/v1"
	"receptor/transport"
)

// newDialer describes the supervisor of the link to a configured neighbour.
func newDialer(b Backend, link linkConfig) func() actor.Actor {
	link.met, link.dials = new(atomic.Pointer[neighbour]), true
	link.open = func(ctx context.Context) (transport.Conn, error) { return b.Dialer.Dial(ctx) }
	return func() actor.Actor {
		return &dialer{Supervisor: supervise.New(link.log, redial), name: b.Name, link: link, log: link.log, redial: b.Redial}
	}
}

// dialer keeps one link going.
//
//	parent   links
//	owns     nothing but its child
//	fails    never
//	restart  begins anew
type dialer struct {
	*supervise.Supervisor
	name     string // tcp-peer:<addr>
	link     linkConfig
	log      zerolog.Logger
	redial   bool
	stopping bool
}

func (d *dialer) Receive(ctx actor.Context) {
	if d.Supervise(ctx) {
		return
	}
	switch m := ctx.Message().(type) {
	case *actor.Started:
		d.start(ctx)
	case *actor.Stopping, *actor.Restarting:
		d.stopping = true

	case *linksv1.SetRules:
		d.link.setRules(ctx, m, d.Children())
	case *linksv1.DialNow:
		d.dialNow(ctx, m)

	default:
		supervise.Unexpected(ctx)
	}
}

func (d *dialer) start(ctx actor.Context) {
	d.log = supervise.Logger(ctx, d.log)
	kind, addr := splitName(d.name)
	d.log.Debug().Msgf("Running %s peer connection %s", kind, addr)
	spec := supervise.Spec{Name: "link", Kind: "link", New: newLink(d.link)}
	if !d.redial {
		spec.Lifetime = supervise.Temporary
	}
	if _, err := d.Spawn(ctx, spec); err != nil {
		panic(fmt.Errorf("spawn link: %w", err)) // the only child: an invariant
	}
}

// dialNow has the link dial at once, or as soon as it has come to its end, if it was
// that neighbour's before.
func (d *dialer) dialNow(ctx actor.Context, m *linksv1.DialNow) {
	if met := d.link.met.Load(); met == nil || met.node != m.GetNode() {
		return
	}
	for _, pid := range d.Children() {
		if !d.Hasten(ctx, pid) {
			ctx.Send(pid, m)
		}
	}
}

// HandleFailure says in the log what happened; the Supervisor does the rest.
func (d *dialer) HandleFailure(system *actor.ActorSystem, sup actor.Supervisor, who *actor.PID,
	stats *actor.RestartStatistics, reason, message any,
) {
	if !d.stopping {
		logEnd(d.log, d.name, reason, d.redial)
	}
	d.Supervisor.HandleFailure(system, sup, who, stats, reason, message)
}
