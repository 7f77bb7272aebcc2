package probe

import (
	"fmt"

	"github.com/asynkron/protoactor-go/actor"

	"receptor/actors/supervise"
)

// parent supervises what the test spawns.
//
//	parent   the root of the system
//	owns     its children
//	fails    never: what is escalated to it is noted, and the child stopped
//	restart  never
type parent struct {
	*supervise.Supervisor
	stage *Stage
}

// spawn is a call, not a message of the product: it carries a live answer channel.
type spawn struct {
	spec   supervise.Spec
	answer chan<- spawned
}

type spawned struct {
	pid *actor.PID
	err error
}

func (p *parent) Receive(ctx actor.Context) {
	if p.Supervise(ctx) {
		return
	}
	if m, ok := ctx.Message().(*spawn); ok {
		pid, err := p.Spawn(ctx, m.spec)
		m.answer <- spawned{pid, err}
	}
}

// HandleFailure is asked by the library when a child fails.
func (p *parent) HandleFailure(system *actor.ActorSystem, sup actor.Supervisor, who *actor.PID,
	stats *actor.RestartStatistics, reason, message any,
) {
	if supervise.Decide(reason, supervise.Permanent) == supervise.Escalate {
		p.stage.escalate(fmt.Sprintf("%s: %v", who.GetId(), reason))
		sup = &brokenChild{Supervisor: sup, self: sup.(interface{ Self() *actor.PID }), who: who}
	}
	p.Supervisor.HandleFailure(system, sup, who, stats, reason, message)
}

// brokenChild ends an escalation at the stage.
type brokenChild struct {
	actor.Supervisor
	self interface{ Self() *actor.PID }
	who  *actor.PID
}

func (b *brokenChild) Self() *actor.PID { return b.self.Self() }

func (b *brokenChild) EscalateFailure(any, any) { b.StopChildren(b.who) }
