package supervise

import (
	"testing"

	"github.com/asynkron/protoactor-go/actor"

	"receptor/actors/supervise/events"
)

// hole is a mailbox that keeps nothing.
type hole struct{ actor.Mailbox }

func (hole) PostUserMessage(any) {}

// A meter is there while somebody observes, is another one each time, and does not stay
// when nobody does.
func TestATapHasAMeterWhileTheJournalIsOn(t *testing.T) {
	journal := events.New(1)
	one := &tap{Mailbox: hole{}, by: &observation{Observer{Journal: journal}}}
	first := one.meter()
	if first == nil || one.meter() != first {
		t.Error("not one meter for one run")
	}
	journal.Switch(false)
	if one.meter() != nil {
		t.Error("a meter while nobody observes")
	}
	if one.current.Load() != nil {
		t.Error("the meter stays")
	}
	journal.Switch(true)
	if second := one.meter(); second == nil || second == first {
		t.Error("not another meter for another run")
	}
	if allocated := testing.AllocsPerRun(100, func() { one.PostUserMessage("x") }); allocated > 0 {
		t.Errorf("%v allocations a message", allocated)
	}
	none := &tap{}
	if _, same := none.mailbox().(*tap); same || none.meter() != nil {
		t.Error("a meter without an observer")
	}
}
