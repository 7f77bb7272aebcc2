package supervise

import (
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	inspectv1 "receptor/proto/inspect/v1"
	supervisev1 "receptor/proto/supervise/v1"
)

// treeTimeout bounds the wait for a branch; one that is too busy to answer is
// drawn from its supervisor's record alone. Each level waits less than the one
// above, so that a stuck actor costs its own branch only.
const treeTimeout = 2 * time.Second

// tree answers GetTree: own children from the records, their children by asking.
func (s *Supervisor) tree(ctx actor.Context, m *supervisev1.GetTree) {
	wait := treeTimeout
	if m.GetWaitMs() > 0 {
		wait = time.Duration(m.GetWaitMs()) * time.Millisecond
	}
	q := &treeQuery{
		Supervisor: s, ctx: ctx, pending: 1, wait: wait * 3 / 4,
		below: &supervisev1.GetTree{
			Detail: m.GetDetail(), Path: m.GetPath(), WaitMs: (wait * 3 / 4).Milliseconds(),
		},
		self: &supervisev1.Actor{
			Path: ctx.Self().GetId(), Kind: "supervisor", State: supervisev1.State_STATE_RUNNING,
			Uptime: durationpb.New(time.Since(s.started)), Lost: s.lost,
		},
	}
	for _, id := range s.order {
		if onPath(id, m.GetPath()) {
			q.add(s.children[id])
		}
	}
	q.done()
}

// onPath reports whether an actor is asked for, or stands above or below one
// that is.
func onPath(id, path string) bool {
	return path == "" || strings.HasPrefix(path+"/", id+"/") || strings.HasPrefix(id+"/", path+"/")
}

// treeQuery collects one answer. It belongs to the supervisor's Receive.
type treeQuery struct {
	*Supervisor
	ctx     actor.Context
	below   *supervisev1.GetTree
	wait    time.Duration
	self    *supervisev1.Actor
	pending int
}

func (q *treeQuery) done() {
	if q.pending--; q.pending == 0 {
		q.ctx.Respond(&supervisev1.Tree{Actor: q.self})
	}
}

// add puts in what the records know of a child, and asks for the rest.
func (q *treeQuery) add(c *child) {
	a := c.describe(q.below.GetDetail())
	q.self.Children = append(q.self.Children, a)
	if !c.answers() {
		return
	}
	if c.spec.Supervises {
		q.ask(c.pid, q.below, func(res any) {
			if t, ok := res.(*supervisev1.Tree); ok {
				a.Children, a.Lost = t.GetActor().GetChildren(), t.GetActor().GetLost()
			}
		})
	}
	if q.below.GetDetail() {
		q.ask(c.pid, &inspectv1.Describe{}, func(res any) { a.Description, _ = res.(*inspectv1.Description) })
	}
}

func (q *treeQuery) ask(who *actor.PID, question any, answer func(any)) {
	q.pending++
	q.ctx.ReenterAfter(q.ctx.RequestFuture(who, question, q.wait), func(res any, err error) {
		if err == nil {
			answer(res)
		}
		q.done()
	})
}

// answers reports whether the child can be asked about itself.
func (c *child) answers() bool {
	return (c.state == supervisev1.State_STATE_RUNNING || c.retired) && !c.tap.besieged()
}

func (c *child) describe(detail bool) *supervisev1.Actor {
	depth := c.tap.waiting()
	a := &supervisev1.Actor{
		Path: c.pid.GetId(), Kind: c.spec.Kind, State: c.state,
		Restarts: c.restarts, LastFailure: c.failure,
		MailboxDepth: int32(depth),
		Uptime:       durationpb.New(time.Since(c.started)),
	}
	if !c.failedAt.IsZero() {
		a.LastFailureTime = timestamppb.New(c.failedAt)
	}
	if c.state == supervisev1.State_STATE_RESTARTING {
		a.Attempt = c.attempt
		a.NextTry = timestamppb.New(c.nextTry)
		a.Uptime = nil
	}
	if detail {
		a.Failures, a.FailureCount, a.Permanent = c.tell(), c.failures, c.spec.Lifetime == Permanent
		if m := c.tap.meter(); m != nil {
			a.Activity = m.Read(depth)
		}
	}
	return a
}

func lostRecord(c *child) *supervisev1.Lost {
	return &supervisev1.Lost{
		Path: c.pid.GetId(), Kind: c.spec.Kind, Failure: c.failure, Time: timestamppb.New(c.failedAt),
	}
}
