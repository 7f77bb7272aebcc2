package links

import (
	"github.com/asynkron/protoactor-go/actor"

	"receptor/actors/supervise"
	linksv1 "receptor/proto/links/v1"
	supervisev1 "receptor/proto/supervise/v1"
)

// New describes the family's supervisor.
func New(cfg Config) func() actor.Actor {
	return func() actor.Actor {
		return &links{Supervisor: supervise.New(cfg.Log, supervise.DefaultBackoff), cfg: cfg}
	}
}

// links supervises one child per configured backend.
//
//	parent   node
//	owns     nothing but its children
//	fails    never
//	restart  begins anew with all backends
type links struct {
	*supervise.Supervisor
	cfg Config
}

func (l *links) Receive(ctx actor.Context) {
	if l.Supervise(ctx) {
		return
	}
	switch m := ctx.Message().(type) {
	case *actor.Started, *supervisev1.Reconcile:
		l.reconcile(ctx)
	case *linksv1.DialNow:
		for _, pid := range l.Children() {
			ctx.Send(pid, m)
		}
	default:
		supervise.Unexpected(ctx)
	}
}

// reconcile starts and stops backends, and tells those that stay what holds now.
func (l *links) reconcile(ctx actor.Context) {
	now := l.cfg.Wanted.Load()
	wanted := make([]supervise.Wanted, len(now.Backends))
	for i, b := range now.Backends {
		rules := l.cfg.rules(now, b)
		wanted[i] = supervise.Wanted{Spec: l.describe(b, rules), Version: b.Version}
		if pid := l.Find(wanted[i]); pid != nil {
			ctx.Send(pid, rules)
		}
	}
	l.Reconcile(ctx, wanted)
}

func (l *links) describe(b Backend, rules *linksv1.SetRules) supervise.Spec {
	spec := supervise.Spec{Name: b.Name, Supervises: true}
	switch link := l.cfg.linkConfig(b, rules); {
	case b.Dialer != nil:
		spec.Kind, spec.New = "dialer", newDialer(b, link)
	default:
		spec.Kind, spec.New = "listener", newListener(b, link)
	}
	return spec
}
