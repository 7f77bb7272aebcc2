package links

import (
	"fmt"

	"github.com/asynkron/protoactor-go/actor"

	"receptor/actors/supervise"
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
	switch ctx.Message().(type) {
	case *actor.Started:
		l.start(ctx)
	default:
		supervise.Unexpected(ctx)
	}
}

func (l *links) start(ctx actor.Context) {
	used := map[string]int{}
	for _, b := range l.cfg.Backends {
		if used[b.Name]++; used[b.Name] > 1 {
			b.Name = fmt.Sprintf("%s#%d", b.Name, used[b.Name])
		}
		if _, err := l.Spawn(ctx, l.describe(b)); err != nil {
			panic(fmt.Errorf("spawn %s: %w", b.Name, err)) // names are unique: an invariant
		}
	}
}

func (l *links) describe(b Backend) supervise.Spec {
	spec := supervise.Spec{Name: b.Name, Supervises: true}
	switch link := l.cfg.linkConfig(b); {
	case b.Dialer != nil:
		spec.Kind, spec.New = "dialer", newDialer(b, link)
	default:
		spec.Kind, spec.New = "listener", newListener(b, link)
	}
	return spec
}
