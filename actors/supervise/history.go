package supervise

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"receptor/actors/supervise/meter"
	supervisev1 "receptor/proto/supervise/v1"
)

// misfortune is one entry of a child's history.
type misfortune struct {
	failure      string
	at, restored time.Time // restored is zero until the child runs again
	where        *crash    // nil: unknown
}

// remember adds the failure that was just noted to the child's history.
func (c *child) remember() *misfortune {
	m := &misfortune{failure: c.failure, at: c.failedAt, where: c.crash.Swap(nil)}
	if len(c.history) == keptFailures {
		c.history = append(c.history[:0], c.history[1:]...)
	}
	c.history = append(c.history, m)
	return m
}

// recovered notes when the child ran again.
func (c *child) recovered() {
	if n := len(c.history); n > 0 {
		c.history[n-1].restored = time.Now()
	}
}

// tell is the history for people.
func (c *child) tell() []*supervisev1.Failure {
	list := make([]*supervisev1.Failure, len(c.history))
	for i, m := range c.history {
		f := &supervisev1.Failure{Failure: m.failure, Time: timestamppb.New(m.at)}
		if m.where != nil {
			f.Stack, f.Message = m.where.stack(), meter.TypeName(m.where.message)
		}
		if !m.restored.IsZero() {
			f.Restarted = timestamppb.New(m.restored)
		}
		list[i] = f
	}
	return list
}

// stack is where it happened; empty if that is unknown.
func (m *misfortune) stack() string {
	if m.where == nil {
		return ""
	}
	return m.where.stack()
}
