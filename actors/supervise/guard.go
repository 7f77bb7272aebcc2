package supervise

import (
	"fmt"
	"runtime/debug"

	"github.com/asynkron/protoactor-go/actor"
)

// guardedProps are the props of a child: its mailbox is kept for the record, and
// its last messages are guarded.
func guardedProps(spec Spec, mailbox *actor.Mailbox) *actor.Props {
	produce := func() actor.Actor {
		inner := spec.New()
		g := guarded{inner}
		if strategy, ok := inner.(actor.SupervisorStrategy); ok {
			return &guardedSupervisor{g, strategy}
		}
		return &g
	}
	unbounded := actor.Unbounded()
	keep := func() actor.Mailbox {
		*mailbox = unbounded()
		return *mailbox
	}
	return actor.PropsFromProducer(produce, actor.WithMailbox(keep))
}

// guarded survives a panic in the last messages of an actor. The library takes
// such a panic for one more failure and the parent then waits for a child that
// never ends.
type guarded struct{ actor.Actor }

// guardedSupervisor keeps the inner actor's strategy visible to the library.
type guardedSupervisor struct {
	guarded
	actor.SupervisorStrategy
}

func (g *guarded) Receive(ctx actor.Context) {
	switch ctx.Message().(type) {
	case *actor.Stopping, *actor.Stopped, *actor.Restarting:
		defer func() {
			if r := recover(); r != nil {
				ctx.Logger().Error("panic while stopping", "actor", ctx.Self().GetId(),
					"err", fmt.Sprint(r), "stack", string(debug.Stack()))
			}
		}()
	}
	g.Actor.Receive(ctx)
}
