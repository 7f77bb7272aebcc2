package supervise

import (
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"receptor/actors/supervise/meter"
	inspectv1 "receptor/proto/inspect/v1"
	supervisev1 "receptor/proto/supervise/v1"
)

// tap measures a child while somebody observes it. It is the mailbox of the child, in
// front of the real one. Each time that observing begins, so does a new meter: it is
// made for the first message, which may be posted by anybody.
type tap struct {
	actor.Mailbox              // what it stands in front of
	by            *observation // nil: nobody ever does
	alone         bool         // the child has no children that it waits for when it stops
	current       atomic.Pointer[measure]
	queries       atomic.Int64 // of those who look; they wait in the mailbox
}

// measure is the meter of one run of the journal.
type measure struct {
	meter.Meter
	run uint64
}

// unbounded makes the mailboxes.
var unbounded = actor.Unbounded()

// mailbox is a new one for the child.
func (t *tap) mailbox() actor.Mailbox {
	t.Mailbox = unbounded()
	if t.by == nil {
		return t.Mailbox
	}
	return t
}

// meter returns nil while nobody observes.
func (t *tap) meter() *meter.Meter {
	if t.by == nil {
		return nil
	}
	run, old := t.by.Journal.Run(), t.current.Load()
	switch {
	case old != nil && old.run == run:
		return &old.Meter
	case run != 0:
		return t.begin(old, run)
	case old != nil:
		t.current.CompareAndSwap(old, nil) // nobody reads it any more
	}
	return nil
}

func (t *tap) begin(old *measure, run uint64) *meter.Meter {
	fresh := &measure{run: run}
	if !t.current.CompareAndSwap(old, fresh) {
		return t.meter() // somebody else was faster
	}
	return &fresh.Meter
}

// failed says that the child is done with its message, by a panic.
func (t *tap) failed() {
	if m := t.meter(); m != nil {
		m.End()
	}
}

// PostUserMessage implements actor.Mailbox. Whoever looks is not part of what they
// look at.
func (t *tap) PostUserMessage(message any) {
	if isQuery(message) {
		t.queries.Add(1)
	} else if m := t.meter(); m != nil {
		m.Posted()
	}
	t.Mailbox.PostUserMessage(message)
}

// isQuery tells the messages of those who look at actors from the actors' own.
func isQuery(message any) bool {
	if e, ok := message.(*actor.MessageEnvelope); ok {
		message = e.Message
	}
	switch message.(type) {
	case *inspectv1.Describe, *supervisev1.GetTree:
		return true
	}
	return false
}

// queried says that the child turns to a query.
func (t *tap) queried() {
	if t.by != nil {
		t.queries.Add(-1)
	}
}

// waiting is how many messages of the child's own are in its mailbox.
func (t *tap) waiting() int { return max(t.UserMessageCount()-int(t.queries.Load()), 0) }

// maxQueries bounds those that wait for an actor that is too busy to answer.
const maxQueries = 16

// besieged reports whether it is no use to ask the child any more.
func (t *tap) besieged() bool { return t.queries.Load() >= maxQueries }
