package supervise

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"receptor/actors/supervise/meter"
	inspectv1 "receptor/proto/inspect/v1"
	supervisev1 "receptor/proto/supervise/v1"
)

// This file is what operators may have a supervisor do to its children.

const (
	// maxTraced and maxTraceTime bound what a trace writes to the journal.
	maxTraced    = 100
	maxTraceTime = time.Hour
)

// errOperator is the failure of an actor that was sound.
var errOperator = errors.New("restarted by an operator")

// act does something to the child of that path, or hands the message down to the
// supervisor of it. The answer is why it can't be done; empty when it was.
func (s *Supervisor) act(ctx actor.Context, path string, do func(*child) string) {
	if path == ctx.Self().GetId() { // nobody stands above it to do that
		ctx.Respond(outcome(path + " is the root: stop the daemon and start it again, or name an actor below it"))
		return
	}
	if c, ok := s.children[path]; ok {
		ctx.Respond(outcome(do(c)))
		return
	}
	for _, c := range s.children {
		if c.spec.Supervises && strings.HasPrefix(path, c.pid.GetId()+"/") {
			ctx.Forward(c.pid)
			return
		}
	}
	ctx.Respond(outcome("no such actor: " + path))
}

func outcome(refused string) *inspectv1.ActionReply {
	if refused != "" {
		return &inspectv1.ActionReply{Result: &inspectv1.ActionReply_Refused{
			Refused: &inspectv1.ActionRefused{Text: refused},
		}}
	}
	return &inspectv1.ActionReply{Result: &inspectv1.ActionReply_Done{Done: &inspectv1.ActionDone{}}}
}

// restartNow starts a child anew, or at once if it waits to be.
func (s *Supervisor) restartNow(ctx actor.Context, c *child) string {
	switch {
	case c.spec.Vital:
		return c.pid.GetId() + " can't be restarted alone: restart the node"
	case c.spec.Lifetime == Temporary:
		return c.pid.GetId() + " is not restarted when it ends: the other side comes again"
	case c.state == supervisev1.State_STATE_STOPPING:
		return c.pid.GetId() + " is stopping"
	case c.state == supervisev1.State_STATE_RUNNING:
		c.failures++
		c.failure, c.failedAt = errOperator.Error(), time.Now()
		c.remember()
	}
	c.stopTimer()
	c.state = supervisev1.State_STATE_RESTARTING
	s.restartDue(ctx, &supervisev1.RestartDue{Child: c.pid.GetId(), Failure: c.failures})
	return ""
}

// trace has the messages of a child told to the journal for some time.
func (o *observation) trace(c *child, m *inspectv1.TraceActor) string {
	span := time.Duration(m.GetSeconds()) * time.Second
	measured := c.tap.meter()
	switch {
	case measured == nil:
		return "actors are not measured: the node does not run with --debug"
	case span > maxTraceTime:
		return fmt.Sprintf("a trace lasts at most %v", maxTraceTime)
	case m.GetPerSecond() > maxTraced:
		return fmt.Sprintf("a trace tells at most %d messages a second", maxTraced)
	}
	measured.Trace(meter.NewTrace(o.Journal, c.pid.GetId(), max(m.GetPerSecond(), 1), span))
	return ""
}
