package supervise

import (
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"receptor/actors/supervise/meter"
)

// tap measures a child while somebody observes it. Each time that begins, so does a
// new meter: it is made for the first message, which may be posted by anybody.
type tap struct {
	by         *observation // nil: nobody ever does
	current    atomic.Pointer[measure]
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

// MessagePosted implements actor.MailboxMiddleware.
func (t *tap) MessagePosted(message any) {
	if m := t.meter(); m != nil {
		m.MessagePosted(message)
	}
}

// MailboxStarted, MessageReceived and MailboxEmpty say nothing that is not known.
func (t *tap) MailboxStarted()     {}
func (t *tap) MessageReceived(any) {}
func (t *tap) MailboxEmpty()       {}
