package probe

import (
	"errors"
	"fmt"
	"slices"
	"strings"

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
	stage   *Stage
	waiting map[string][]chan<- error // by the path of a child that is to stop
}

// spawn is a call, not a message of the product: it carries a live answer channel.
type spawn struct {
	spec   supervise.Spec
	answer chan<- spawned
}

// stop is a call like spawn. Only the parent knows when a child is gone for it too
// and its name is free: others may hear of the end before it does.
type stop struct {
	pid    *actor.PID
	answer chan<- error
}

type spawned struct {
	pid *actor.PID
	err error
}

func (p *parent) Receive(ctx actor.Context) {
	if p.Supervise(ctx) {
		return
	}
	switch m := ctx.Message().(type) {
	case *spawn:
		pid, err := p.Spawn(ctx, m.spec)
		m.answer <- spawned{pid, err}
	case *stop:
		p.stop(ctx, m)
	case *actor.Terminated:
		for _, answer := range p.waiting[m.Who.GetId()] {
			answer <- nil
		}
		delete(p.waiting, m.Who.GetId())
	}
}

func (p *parent) stop(ctx actor.Context, m *stop) {
	id := m.pid.GetId()
	if name, child := strings.CutPrefix(id, ctx.Self().GetId()+"/"); !child || strings.Contains(name, "/") {
		m.answer <- errors.New("the stage has not spawned it")
		return
	}
	if !slices.ContainsFunc(p.Children(), func(c *actor.PID) bool { return c.GetId() == id }) {
		m.answer <- nil // it ended by itself
		return
	}
	p.waiting[id] = append(p.waiting[id], m.answer)
	ctx.Stop(m.pid)
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
