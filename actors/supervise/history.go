package supervise

import (
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	supervisev1 "receptor/proto/supervise/v1"
)

// remember adds the failure that was just noted to the child's history, and
// returns where it happened.
func (c *child) remember() crash {
	where := crash{}
	if last := c.crash.Swap(nil); last != nil {
		where = *last
	}
	c.history = append(c.history, &supervisev1.Failure{
		Failure: c.failure, Time: timestamppb.New(c.failedAt), Stack: where.stack, Message: where.message,
	})
	if len(c.history) > keptFailures {
		c.history = append([]*supervisev1.Failure(nil), c.history[len(c.history)-keptFailures:]...)
	}
	return where
}

// recovered notes when the child ran again. Answers that were given share the
// old entry, so it is replaced.
func (c *child) recovered() {
	n := len(c.history) - 1
	if n < 0 {
		return
	}
	last := proto.Clone(c.history[n]).(*supervisev1.Failure)
	last.Restarted = timestamppb.New(time.Now())
	history := append([]*supervisev1.Failure(nil), c.history...)
	history[n] = last
	c.history = history
}
