package supervise

import (
	"fmt"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	supervisev1 "receptor/proto/supervise/v1"
)

// Live is what a family should be like. Whoever configures the node publishes an
// immutable value; the family's supervisor reads it when it starts, and again when
// it gets Reconcile. So a family that is restarted begins with the latest.
type Live[T any] struct{ value atomic.Pointer[T] }

// NewLive returns a Live with a first value.
func NewLive[T any](v T) *Live[T] {
	l := &Live[T]{}
	l.Store(v)
	return l
}

// Load returns the latest value.
func (l *Live[T]) Load() T { return *l.value.Load() }

// Store publishes another value; nobody changes it any more.
func (l *Live[T]) Store(v T) { l.value.Store(&v) }

// Wanted is a child that should run. One of another version under the same name is
// another child. Names need not be unique, pairs of name and version are.
type Wanted struct {
	Spec
	Version uint64
}

// identity tells wanted children apart.
type identity struct {
	name    string
	version uint64
}

// Reconcile makes the wanted children run, and none else of those that it started
// itself. A child that is still wanted is not touched. Others are stopped, or retire
// if they are of that kind; when they have let go of what they held, the new ones
// start, and then the sender, if there is one, gets Reconciled.
func (s *Supervisor) Reconcile(ctx actor.Context, wanted []Wanted) {
	s.wanted, s.reconciling = wanted, true
	if ctx.Sender() != nil {
		s.askers = append(s.askers, ctx.Sender())
	}
	stays := make(map[identity]bool, len(wanted))
	for _, w := range wanted {
		stays[w.identity()] = true
	}
	for _, id := range s.order {
		if c := s.children[id]; c.wanted != nil && !stays[*c.wanted] {
			s.dismiss(ctx, c)
		}
	}
	s.settle(ctx)
}

// Find returns the child that Reconcile started for this one, nil if there is none.
func (s *Supervisor) Find(w Wanted) *actor.PID {
	for _, c := range s.children {
		if c.wanted != nil && *c.wanted == w.identity() && !c.leaving && !c.retired {
			return c.pid
		}
	}
	return nil
}

func (w Wanted) identity() identity { return identity{w.Name, w.Version} }

// dismiss ends a child that is not wanted any more.
func (s *Supervisor) dismiss(ctx actor.Context, c *child) {
	if c.leaving || c.retired {
		return
	}
	suspended := c.state == supervisev1.State_STATE_RESTARTING
	c.leaving, c.state = true, supervisev1.State_STATE_STOPPING
	c.stopTimer()
	if c.spec.Retires && !suspended { // one that failed holds nothing
		ctx.Request(c.pid, &supervisev1.Retire{})
		return
	}
	ctx.Stop(c.pid)
}

// retired notes that a child has let go of what it held. It ends when it is done.
func (s *Supervisor) retired(ctx actor.Context, m *supervisev1.Retired) {
	if c, ok := s.children[m.GetChild()]; ok && c.leaving {
		c.leaving, c.retired = false, true
		s.settle(ctx)
	}
}

// settle starts what is missing once nothing is left that has to go.
func (s *Supervisor) settle(ctx actor.Context) {
	if !s.reconciling {
		return
	}
	runs := map[identity]bool{}
	for _, c := range s.children {
		if c.leaving {
			return
		}
		if c.wanted != nil && !c.retired {
			runs[*c.wanted] = true
		}
	}
	for _, w := range s.wanted {
		if !runs[w.identity()] {
			s.begin(ctx, w)
		}
	}
	for _, asker := range s.askers {
		ctx.Send(asker, &supervisev1.Reconciled{})
	}
	s.wanted, s.askers, s.reconciling = nil, nil, false
}

func (s *Supervisor) begin(ctx actor.Context, w Wanted) {
	spec, path := w.Spec, ctx.Self().GetId()+"/"
	for n := 2; s.children[path+spec.Name] != nil; n++ {
		spec.Name = fmt.Sprintf("%s#%d", w.Name, n)
	}
	pid, err := s.Spawn(ctx, spec)
	if err != nil {
		panic(fmt.Errorf("start %s: %w", spec.Name, err)) // the name is free: an invariant
	}
	id := w.identity()
	s.children[pid.Id].wanted = &id
}
