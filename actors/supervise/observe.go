package supervise

import (
	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/extensions"
	"google.golang.org/protobuf/types/known/timestamppb"

	"receptor/internal/events"
	inspectv1 "receptor/proto/inspect/v1"
)

// Observe has every actor of the system measured and its failures told to the
// journal. It is for debugging, and must come before the first actor is spawned.
// Without it nothing is measured and nothing costs.
func Observe(system *actor.ActorSystem, journal *events.Journal) {
	system.Extensions.Register(&observation{journal})
}

// observation is how supervisors, which are everywhere, find the journal.
type observation struct{ journal *events.Journal }

var observationID = extensions.NextExtensionID()

func (o *observation) ExtensionID() extensions.ExtensionID { return observationID }

// observed returns nil if nobody observes the system.
func observed(system *actor.ActorSystem) *observation {
	o, _ := system.Extensions.Get(observationID).(*observation)
	return o
}

func (o *observation) failed(c *child, verdict inspectv1.Verdict) {
	if o == nil {
		return
	}
	e := &inspectv1.ActorFailed{
		Path: c.pid.GetId(), Kind: c.spec.Kind, Failure: c.failure, Verdict: verdict, Attempt: c.attempt,
	}
	if verdict == inspectv1.Verdict_VERDICT_RESTART {
		e.NextTry = timestamppb.New(c.nextTry)
	}
	o.journal.Add(&inspectv1.Event{What: &inspectv1.Event_ActorFailed{ActorFailed: e}})
}

func (o *observation) restarted(c *child) {
	if o == nil {
		return
	}
	o.journal.Add(&inspectv1.Event{What: &inspectv1.Event_ActorRestarted{ActorRestarted: &inspectv1.ActorRestarted{
		Path: c.pid.GetId(), Kind: c.spec.Kind, Restarts: c.restarts,
	}}})
}

func (o *observation) stopped(c *child) {
	if o == nil || c.spec.Lifetime == Temporary || c.spec.Transient {
		return
	}
	o.journal.Add(&inspectv1.Event{What: &inspectv1.Event_ActorStopped{ActorStopped: &inspectv1.ActorStopped{
		Path: c.pid.GetId(), Kind: c.spec.Kind,
	}}})
}
