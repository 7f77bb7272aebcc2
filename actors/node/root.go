package node

import (
	"errors"
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"receptor/actors/supervise"
	nodev1 "receptor/proto/node/v1"
	supervisev1 "receptor/proto/supervise/v1"
)

// rootName is the first part of every path in the tree.
const rootName = "node"

// familyDeadline is how long a family may take to stop before the root goes on
// without it.
const familyDeadline = 3 * time.Second

// certificatePeriod is how often certificates are looked at while nobody uses them.
const certificatePeriod = time.Minute

// family is one of the root's children. Its producer is made when the families
// before it run, because it may need their addresses.
type family struct {
	name string
	leaf bool // one actor without children
	make func(pids map[string]*actor.PID) func() actor.Actor
}

// root is the top of the tree.
//
//	parent   none; the guardian turns its failure into the end of the node
//	owns     the families
//	fails    when a family escalates
//	restart  never
type root struct {
	*supervise.Supervisor
	log      zerolog.Logger
	families []family
	pids     map[string]*actor.PID
	stopping bool
	failed   func(error) // tells the Node why it ends
	started  func()      // tells the Node that all families are there
	stopped  func()      // tells the Node that all has ended

	check        func() // reads certificates again that changed
	certificates *time.Timer
}

func (r *root) Receive(ctx actor.Context) {
	if r.Supervise(ctx) {
		return
	}
	switch m := ctx.Message().(type) {
	case *actor.Started:
		r.start(ctx)
	case *actor.Stopping, *actor.Restarting:
		r.certificates.Stop()
	case *actor.Stopped:
		r.stopped()

	case *nodev1.StopNode:
		r.failed(errors.New(m.GetReason()))
		r.shutdown(ctx)
	case *supervisev1.Shutdown:
		r.shutdown(ctx)

	case *nodev1.CheckCertificates:
		r.checkCertificates(ctx)
	case *nodev1.FamilyTimeout:
		r.timeout(ctx, m)
	case *actor.Terminated:
		r.terminated(ctx, m)

	default:
		supervise.Unexpected(ctx)
	}
}

func (r *root) start(ctx actor.Context) {
	r.pids[rootName] = ctx.Self()
	r.checkCertificates(ctx)
	for _, f := range r.families {
		pid, err := r.Spawn(ctx, supervise.Spec{
			Name: f.name, Kind: "family", New: f.make(r.pids), Supervises: !f.leaf, Vital: f.leaf,
		})
		if err != nil {
			panic(fmt.Errorf("start %s: %w", f.name, err))
		}
		r.pids[f.name] = pid
	}
	r.started()
}

// checkCertificates has files read again that changed, and expiry noticed. That
// reads files, so it is not done here.
func (r *root) checkCertificates(ctx actor.Context) {
	go r.check()
	self, system := ctx.Self(), ctx.ActorSystem()
	r.certificates = time.AfterFunc(certificatePeriod, func() { system.Root.Send(self, &nodev1.CheckCertificates{}) })
}

func (r *root) shutdown(ctx actor.Context) {
	if !r.stopping {
		r.stopping = true
		r.stopNext(ctx)
	}
}

// stopNext stops the youngest family that still runs, or the root itself.
func (r *root) stopNext(ctx actor.Context) {
	for i := len(r.families) - 1; i >= 0; i-- {
		name := r.families[i].name
		pid, ok := r.pids[name]
		if !ok {
			continue
		}
		ctx.Stop(pid)
		self, system := ctx.Self(), ctx.ActorSystem()
		time.AfterFunc(familyDeadline, func() { system.Root.Send(self, &nodev1.FamilyTimeout{Family: name}) })
		return
	}
	ctx.Stop(ctx.Self())
}

func (r *root) terminated(ctx actor.Context, m *actor.Terminated) {
	for name, pid := range r.pids {
		if pid.Equal(m.Who) {
			delete(r.pids, name)
		}
	}
	if r.stopping {
		r.stopNext(ctx)
	}
}

func (r *root) timeout(ctx actor.Context, m *nodev1.FamilyTimeout) {
	if _, ok := r.pids[m.GetFamily()]; !ok {
		return
	}
	r.log.Error().Str("actor", m.GetFamily()).Dur("took", familyDeadline).Msg("did not stop in time, going on without it")
	delete(r.pids, m.GetFamily())
	r.stopNext(ctx)
}

// guardian ends the node when the root fails. The library keeps it as a map key, so it
// is used by its address.
type guardian struct{ failed func(error) }

func (g *guardian) HandleFailure(_ *actor.ActorSystem, sup actor.Supervisor, who *actor.PID,
	_ *actor.RestartStatistics, reason, _ any,
) {
	g.failed(fmt.Errorf("broken invariant: %v", reason))
	sup.StopChildren(who)
}
