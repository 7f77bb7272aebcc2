package supervise

import (
	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/extensions"
	"github.com/rs/zerolog"
	"google.golang.org/protobuf/types/known/timestamppb"

	"receptor/actors/supervise/events"
	"receptor/actors/supervise/levels"
	inspectv1 "receptor/proto/inspect/v1"
)

// Observer is who debugs a system of actors.
type Observer struct {
	Journal *events.Journal
	Levels  *levels.Levels // nil: levels are as configured
}

// Observe has every actor of the system measured and its failures told to the
// journal, while that is on. It must come before the first actor is spawned. While the
// journal is off nothing is measured, and a message costs a look at whether it is.
func Observe(system *actor.ActorSystem, by Observer) {
	system.Extensions.Register(&observation{by})
}

// Logger is log as the calling actor should use it: operators may change the level
// of a single actor while it runs.
func Logger(ctx actor.Context, log zerolog.Logger) zerolog.Logger {
	if o := observed(ctx.ActorSystem()); o != nil {
		return o.Levels.Logger(log, ctx.Self().GetId())
	}
	return log
}

// observation is how supervisors, which are everywhere, find their observer.
type observation struct{ Observer }

var observationID = extensions.NextExtensionID()

func (o *observation) ExtensionID() extensions.ExtensionID { return observationID }

// observed returns nil if nobody ever observes the system.
func observed(system *actor.ActorSystem) *observation {
	o, _ := system.Extensions.Get(observationID).(*observation)
	return o
}

// on reports whether somebody observes the system now.
func (o *observation) on() bool { return o != nil && o.Journal.On() }

func (o *observation) failed(c *child, verdict inspectv1.Verdict) {
	if !o.on() {
		return
	}
	e := &inspectv1.ActorFailed{
		Path: c.pid.GetId(), Kind: c.spec.Kind, Failure: c.failure, Verdict: verdict, Attempt: c.attempt,
	}
	if verdict == inspectv1.Verdict_VERDICT_RESTART {
		e.NextTry = timestamppb.New(c.nextTry)
	}
	o.Journal.Add(&inspectv1.Event{What: &inspectv1.Event_ActorFailed{ActorFailed: e}})
}

func (o *observation) restarted(c *child) {
	if !o.on() {
		return
	}
	o.Journal.Add(&inspectv1.Event{What: &inspectv1.Event_ActorRestarted{ActorRestarted: &inspectv1.ActorRestarted{
		Path: c.pid.GetId(), Kind: c.spec.Kind, Restarts: c.restarts,
	}}})
}

func (o *observation) stopped(c *child) {
	if !o.on() || c.spec.Lifetime == Temporary || c.spec.Transient {
		return
	}
	o.Journal.Add(&inspectv1.Event{What: &inspectv1.Event_ActorStopped{ActorStopped: &inspectv1.ActorStopped{
		Path: c.pid.GetId(), Kind: c.spec.Kind,
	}}})
}
