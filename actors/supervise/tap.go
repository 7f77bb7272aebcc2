package supervise

import (
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"receptor/actors/supervise/meter"
	inspectv1 "receptor/proto/inspect/v1"
	supervisev1 "receptor/proto/supervise/v1"
)

// tap measures a child while somebody observes it. Each time that begins, so does a
// new meter: it is made for the first message, which may be posted by anybody.
type tap struct {
	by         *observation // nil: nobody ever does
	current    atomic.Pointer[measure]
	queries    atomic.Int64               // of those who look; they wait in the mailbox
	middleware [1]actor.MailboxMiddleware // the tap itself, where the mailbox wants a list
}

// measure is the meter of one run of the journal.
type measure struct {
	meter.Meter
	run uint64
}

var _ actor.MailboxMiddleware = (*tap)(nil)

// meter returns nil while nobody observes.
func (t *tap) meter() *meter.Meter {
	if t.by == nil {
		return nil
	}
	run := t.by.Journal.Run()
	if run == 0 {
		return nil
	}
	old := t.current.Load()
	if old != nil && old.run == run {
		return &old.Meter
	}
	fresh := &measure{run: run}
	fresh.Start()
	if !t.current.CompareAndSwap(old, fresh) {
		fresh = t.current.Load()
	}
	return &fresh.Meter
}

// MessagePosted implements actor.MailboxMiddleware. Whoever looks is not part of what
// they look at.
func (t *tap) MessagePosted(message any) {
	if isQuery(message) {
		t.queries.Add(1)
		return
	}
	if m := t.meter(); m != nil {
		m.MessagePosted(message)
	}
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

// waiting is how many messages of the child's own are among those in its mailbox.
func (t *tap) waiting(all int) int { return max(all-int(t.queries.Load()), 0) }

// maxQueries bounds those that wait for an actor that is too busy to answer.
const maxQueries = 16

// besieged reports whether it is no use to ask the child any more.
func (t *tap) besieged() bool { return t.queries.Load() >= maxQueries }

// MailboxEmpty implements actor.MailboxMiddleware. It is the time to drop a meter that
// nobody reads any more.
func (t *tap) MailboxEmpty() {
	if old := t.current.Load(); old != nil && !t.by.on() {
		t.current.CompareAndSwap(old, nil)
	}
}

// MailboxStarted and MessageReceived say nothing that is not known.
func (t *tap) MailboxStarted()     {}
func (t *tap) MessageReceived(any) {}
