package control

import (
	"context"
	"fmt"
	"io"

	"github.com/asynkron/protoactor-go/actor"

	"receptor/actors/control/command"
	workv1 "receptor/proto/work/v1"
)

// errorOutput streams what a unit wrote to standard error, to those who may read its
// results.
func (c *connection) errorOutput(ctx actor.Context, r command.ErrorOutput) {
	m := &workv1.GetResults{UnitId: r.Unit, Access: c.access(r.Signature)}
	c.ask(ctx, c.cfg.Work, m, queryTimeout, func(answer any) {
		reply, ok := answer.(*workv1.GetResultsReply)
		switch {
		case !ok:
			c.confused(answer)
		case reply.GetGranted() == nil:
			c.refuse(reply.GetRefused())
		default:
			c.session.errorOutput(c.cfg.Feeds, r)
		}
	})
}

// errorOutput streams standard error. If it can't be had, the client reads why, and
// the next command may follow.
func (s *session) errorOutput(feeds Feeds, r command.ErrorOutput) {
	s.give(func() (next, error) {
		ctx, stop := context.WithCancel(s.ctx)
		defer stop()
		copyTo, err := feeds.OpenErrors(ctx, r.Unit, r.Offset, r.Follow)
		if err != nil {
			return readLine, s.write(command.Error(err.Error()))
		}
		return s.streamNow(command.StreamingErrors(r.Unit), func(ctx context.Context, w io.Writer) error {
			if err := copyTo(ctx, w); err != nil && ctx.Err() == nil {
				return fmt.Errorf("standard error of %s: %w", r.Unit, err)
			}
			return nil
		})
	})
}
