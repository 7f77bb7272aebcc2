package supervise

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	supervisev1 "receptor/proto/supervise/v1"
)

// treeTimeout bounds the wait for a branch; one that is too busy to answer is
// drawn from its supervisor's record alone.
const treeTimeout = 2 * time.Second

// tree answers GetTree: own children from the records, their children by asking.
func (s *Supervisor) tree(ctx actor.Context) {
	self := &supervisev1.Actor{
		Path: ctx.Self().GetId(), Kind: "supervisor", State: supervisev1.State_STATE_RUNNING,
		Uptime: durationpb.New(time.Since(s.started)), Lost: s.lost,
	}
	pending := 1
	done := func() {
		if pending--; pending == 0 {
			ctx.Respond(&supervisev1.Tree{Actor: self})
		}
	}
	for _, id := range s.order {
		c := s.children[id]
		i := len(self.Children)
		self.Children = append(self.Children, c.describe())
		if !c.spec.Supervises || c.state != supervisev1.State_STATE_RUNNING {
			continue
		}
		pending++
		branch := ctx.RequestFuture(c.pid, &supervisev1.GetTree{}, treeTimeout)
		ctx.ReenterAfter(branch, func(res any, err error) {
			if t, ok := res.(*supervisev1.Tree); ok && err == nil {
				self.Children[i].Children = t.GetActor().GetChildren()
				self.Children[i].Lost = t.GetActor().GetLost()
			}
			done()
		})
	}
	done()
}

func (c *child) describe() *supervisev1.Actor {
	a := &supervisev1.Actor{
		Path: c.pid.GetId(), Kind: c.spec.Kind, State: c.state,
		Restarts: c.restarts, LastFailure: c.failure,
		MailboxDepth: int32(c.mailbox.UserMessageCount()),
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
	return a
}

func lostRecord(c *child) *supervisev1.Lost {
	return &supervisev1.Lost{
		Path: c.pid.GetId(), Kind: c.spec.Kind, Failure: c.failure, Time: timestamppb.New(c.failedAt),
	}
}
