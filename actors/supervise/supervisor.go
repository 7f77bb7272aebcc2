package supervise

import (
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	inspectv1 "receptor/proto/inspect/v1"
	supervisev1 "receptor/proto/supervise/v1"
)

// keptLost is how many ended failures a supervisor remembers.
const keptLost = 8

// keptFailures is how many failures of each child it remembers.
const keptFailures = 8

// Spec describes a child.
type Spec struct {
	Name       string // last part of its path, unique among its siblings
	Kind       string // what it stands for: link, listener, unit, ...
	New        func() actor.Actor
	Lifetime   Lifetime
	Backoff    Backoff // zero: the supervisor's
	Supervises bool    // embeds a Supervisor and answers GetTree
	Vital      bool    // can't be started anew alone: nobody may ask for that
	Transient  bool    // comes and goes as a matter of course: its end is no event
	Retires    bool    // answers Retire when Reconcile has no use for it, and ends by itself
}

// Supervisor is embedded by every actor that has children. Its methods belong
// to the Receive of that actor.
type Supervisor struct {
	log      zerolog.Logger
	started  time.Time
	backoff  Backoff
	random   func() float64 // in [0, 1)
	children map[string]*child
	order    []string // ids in order of spawning
	lost     []*supervisev1.Lost
	stopping bool         // the library has told all children to stop
	observed *observation // nil: nobody ever observes; known with the first child

	reconciling bool // what follows is for settle
	wanted      []Wanted
	askers      []*actor.PID
}

// child is the record of one child.
type child struct {
	spec     Spec
	pid      *actor.PID
	state    supervisev1.State
	started  time.Time // of this incarnation
	restarts uint64
	attempt  uint32
	failures uint64
	history  []*misfortune         // the latest, newest last
	tap      tap                   // its mailbox; measures it while somebody observes
	crash    atomic.Pointer[crash] // of the last failure; written by the child
	failure  string
	failedAt time.Time
	nextTry  time.Time
	timer    *time.Timer

	wanted  *identity // nil unless Reconcile started it
	leaving bool      // and will soon hold nothing any more
	retired bool      // it holds nothing, and ends when it is done
}

// New returns a supervisor's state. A zero Backoff means DefaultBackoff.
func New(log zerolog.Logger, backoff Backoff) *Supervisor {
	if backoff == (Backoff{}) {
		backoff = DefaultBackoff
	}
	return &Supervisor{
		log: log, started: time.Now(), backoff: backoff, random: rand.Float64, children: map[string]*child{},
	}
}

// Spawn starts a child of the calling actor. The only error is a name that a
// living child has already.
// While the calling actor stops, a child that it starts is stopped at once: the library
// would wait for it and never tell it.
func (s *Supervisor) Spawn(ctx actor.Context, spec Spec) (*actor.PID, error) {
	c := &child{spec: spec, state: supervisev1.State_STATE_RUNNING, started: time.Now()}
	if spec.Backoff == (Backoff{}) {
		c.spec.Backoff = s.backoff
	}
	s.observed = observed(ctx.ActorSystem())
	c.tap.by = s.observed
	pid, err := ctx.SpawnNamed(guardedProps(c), spec.Name)
	if err != nil {
		return nil, err
	}
	c.pid = pid
	s.children[pid.Id] = c
	s.order = append(s.order, pid.Id)
	if s.stopping {
		c.state = supervisev1.State_STATE_STOPPING
		ctx.Stop(pid)
	}
	return pid, nil
}

// Children are the living children in the order in which they were spawned.
func (s *Supervisor) Children() []*actor.PID {
	pids := make([]*actor.PID, 0, len(s.order))
	for _, id := range s.order {
		pids = append(pids, s.children[id].pid)
	}
	return pids
}

// Supervise handles what belongs to supervision and reports whether the message
// was its own. Call it first in Receive. Stopping, Restarting and Terminated
// are seen here and then passed on.
func (s *Supervisor) Supervise(ctx actor.Context) bool {
	switch m := ctx.Message().(type) {
	case *supervisev1.RestartDue:
		s.restartDue(ctx, m)
	case *supervisev1.GetTree:
		s.tree(ctx, m)
	case *supervisev1.Retired:
		s.retired(ctx, m)
	case *inspectv1.RestartActor:
		s.act(ctx, m.GetPath(), func(c *child) string { return s.restartNow(ctx, c) })
	case *inspectv1.TraceActor:
		s.act(ctx, m.GetPath(), func(c *child) string { return s.observed.trace(c, m) })
	case *actor.Started:
		s.log = Logger(ctx, s.log)
		return false
	case *actor.Terminated:
		s.forget(m.Who.Id)
		s.settle(ctx)
		return false
	case *actor.Stopping, *actor.Restarting:
		s.stopping = true
		s.observed = nil // what ends now ends with this actor
		s.reconciling = false
		for _, c := range s.children {
			c.stopTimer()
			c.state = supervisev1.State_STATE_STOPPING
		}
		return false
	default:
		return false
	}
	return true
}

// HandleFailure makes a Supervisor the library's strategy for its children.
func (s *Supervisor) HandleFailure(system *actor.ActorSystem, sup actor.Supervisor, who *actor.PID,
	_ *actor.RestartStatistics, reason, message any,
) {
	c, ok := s.children[who.Id]
	if !ok || c.state == supervisev1.State_STATE_STOPPING {
		sup.StopChildren(who)
		return
	}
	now := time.Now()
	c.attempt = c.spec.Backoff.Attempt(c.attempt, now.Sub(c.started))
	c.failures++
	c.failure, c.failedAt = reasonText(reason), now
	crashed := c.remember()

	switch Decide(reason, c.spec.Lifetime) {
	case Restart:
		s.scheduleRestart(system, supervisorPID(sup), c, again(reason))
		s.observed.failed(c, inspectv1.Verdict_VERDICT_RESTART)
	case Stop:
		s.rememberLost(c, reason)
		s.log.Debug().Str("actor", who.Id).Str("err", c.failure).Msg("stopped after its failure")
		c.state = supervisev1.State_STATE_STOPPING
		sup.StopChildren(who)
	case Escalate:
		s.log.Error().Str("actor", who.Id).Str("err", c.failure).Str("stack", crashed.stack()).
			Type("message", message).Msg("broken invariant, escalating")
		s.observed.failed(c, inspectv1.Verdict_VERDICT_ESCALATE)
		sup.EscalateFailure(reason, message)
	}
}

// supervisorPID is the address of the actor whose strategy is being asked. The
// library hands over its context under a narrower interface.
func supervisorPID(sup actor.Supervisor) *actor.PID {
	return sup.(interface{ Self() *actor.PID }).Self()
}

// scheduleRestart leaves the child suspended and sets the timer of its restart. One
// that knows when it may do better is no failure in a row; that may come true earlier,
// so it waits no longer than others.
func (s *Supervisor) scheduleRestart(system *actor.ActorSystem, self *actor.PID, c *child, again time.Time) {
	if !again.IsZero() {
		c.attempt = 1
	}
	delay := c.spec.Backoff.Delay(c.attempt, s.random())
	if !again.IsZero() {
		delay = c.spec.Backoff.Bound(again.Sub(c.failedAt))
	}
	c.state = supervisev1.State_STATE_RESTARTING
	c.nextTry = c.failedAt.Add(delay)
	s.log.Debug().Str("actor", c.pid.Id).Str("err", c.failure).Uint32("attempt", c.attempt).Dur("delay", delay).
		Msg("failed, restart is due")
	due := &supervisev1.RestartDue{Child: c.pid.Id, Failure: c.failures}
	c.timer = time.AfterFunc(delay, func() { system.Root.Send(self, due) })
}

// Hasten restarts a child at once that waits to be restarted, and reports whether it
// does.
func (s *Supervisor) Hasten(ctx actor.Context, pid *actor.PID) bool {
	c, ok := s.children[pid.Id]
	if !ok || c.state != supervisev1.State_STATE_RESTARTING {
		return false
	}
	c.stopTimer()
	s.restartDue(ctx, &supervisev1.RestartDue{Child: pid.Id, Failure: c.failures})
	return true
}

func (s *Supervisor) restartDue(ctx actor.Context, m *supervisev1.RestartDue) {
	c, ok := s.children[m.GetChild()]
	if !ok || c.failures != m.GetFailure() || c.state != supervisev1.State_STATE_RESTARTING {
		return
	}
	c.state = supervisev1.State_STATE_RUNNING
	c.restarts++
	c.started, c.nextTry = time.Now(), time.Time{}
	c.recovered()
	s.observed.restarted(c)
	// Restarting a child is a system message to it, so the supervisor itself is
	// all that is needed; the library keeps the method on its own context.
	ctx.(interface{ RestartChildren(pids ...*actor.PID) }).RestartChildren(c.pid)
}

// LastFailure is the text of a child's last failure, and its attempts in a row.
func (s *Supervisor) LastFailure(pid *actor.PID) (text string, attempt uint32) {
	if c, ok := s.children[pid.Id]; ok {
		return c.failure, c.attempt
	}
	return "", 0
}

// rememberLost keeps the last failures of children that will not come back. A
// natural end is none.
func (s *Supervisor) rememberLost(c *child, reason any) {
	if failure, ok := reason.(*Failure); ok && failure.Cause == CauseDone {
		return
	}
	s.observed.failed(c, inspectv1.Verdict_VERDICT_STOP)
	s.lost = append(s.lost, lostRecord(c))
	if len(s.lost) > keptLost {
		s.lost = s.lost[len(s.lost)-keptLost:]
	}
}

func (s *Supervisor) forget(id string) {
	c, ok := s.children[id]
	if !ok {
		return
	}
	c.stopTimer()
	s.observed.stopped(c)
	delete(s.children, id)
	for i, other := range s.order {
		if other == id {
			s.order = append(s.order[:i], s.order[i+1:]...)
			break
		}
	}
}

func (c *child) stopTimer() {
	if c.timer != nil {
		c.timer.Stop()
	}
}
