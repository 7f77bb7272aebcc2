package supervise

import (
	"testing"

	"receptor/actors/supervise/events"
)

// A meter is there while somebody observes, is another one each time, and does not stay
// when nobody does.
func TestATapHasAMeterWhileTheJournalIsOn(t *testing.T) {
	journal := events.New(1)
	one := &tap{by: &observation{Observer{Journal: journal}}}
	first := one.meter()
	one.MailboxEmpty()
	if first == nil || one.meter() != first {
		t.Error("not one meter for one run")
	}
	journal.Switch(false)
	if one.meter() != nil {
		t.Error("a meter while nobody observes")
	}
	if one.MailboxEmpty(); one.current.Load() != nil {
		t.Error("the meter stays")
	}
	journal.Switch(true)
	if second := one.meter(); second == nil || second == first {
		t.Error("not another meter for another run")
	}
	if allocated := testing.AllocsPerRun(100, func() { one.MessagePosted("x"); one.MailboxEmpty() }); allocated > 0 {
		t.Errorf("%v allocations a message", allocated)
	}
	none := &tap{}
	none.MessagePosted("x")
	if none.MailboxEmpty(); none.meter() != nil {
		t.Error("a meter without an observer")
	}
}
