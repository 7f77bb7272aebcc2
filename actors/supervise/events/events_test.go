package events

import (
	"context"
	"errors"
	"sync"
	"testing"

	inspectv1 "receptor/proto/inspect/v1"
)

func dead(target string) *inspectv1.Event {
	return &inspectv1.Event{What: &inspectv1.Event_DeadLetter{DeadLetter: &inspectv1.DeadLetter{Target: target}}}
}

var errEnough = errors.New("enough")

// read follows until it has n events.
func read(t *testing.T, j *Journal, after uint64, n int) []*inspectv1.Event {
	t.Helper()
	var got []*inspectv1.Event
	err := j.Follow(t.Context(), after, func(e *inspectv1.Event) error {
		if got = append(got, e); len(got) == n {
			return errEnough
		}
		return nil
	})
	if !errors.Is(err, errEnough) {
		t.Fatalf("after %d: %v", after, err)
	}
	return got
}

func TestEventsAreNumberedAndStamped(t *testing.T) {
	j := New(8)
	for _, target := range []string{"a", "b", "c"} {
		j.Add(dead(target))
	}
	for i, e := range read(t, j, 0, 3) {
		if e.GetSequence() != uint64(i+1) || e.GetTime() == nil || e.GetDeadLetter().GetTarget() != string(rune('a'+i)) {
			t.Errorf("event %d: %v", i, e)
		}
	}
	if got := read(t, j, 2, 1); got[0].GetDeadLetter().GetTarget() != "c" {
		t.Errorf("after 2: %v", got)
	}
	if j.Last() != 3 || j.Missed() != 0 {
		t.Errorf("last %d, missed %d", j.Last(), j.Missed())
	}
}

func TestWhatIsGoneIsCountedAndTold(t *testing.T) {
	j := New(4)
	for range 10 {
		j.Add(dead("x"))
	}
	got := read(t, j, 3, 5)
	if got[0].GetMissed().GetCount() != 3 || got[0].GetSequence() != 6 || got[1].GetSequence() != 7 || got[4].GetSequence() != 10 {
		t.Errorf("%v", got)
	}
	if j.Missed() != 3 {
		t.Errorf("missed %d, want 3", j.Missed())
	}
	if got := read(t, j, 0, 4); got[0].GetSequence() != 7 {
		t.Errorf("from the beginning: %v", got)
	}
	if got := read(t, j, 1000, 4); got[0].GetSequence() != 7 {
		t.Errorf("after an event of another run: %v", got)
	}
}

func TestReadersWaitAndWritersDoNot(t *testing.T) {
	j := New(64)
	const readers, all = 4, 1000
	var group sync.WaitGroup
	for range readers {
		group.Go(func() {
			var seen uint64
			err := j.Follow(t.Context(), 0, func(e *inspectv1.Event) error {
				if m := e.GetMissed(); m != nil {
					seen += m.GetCount()
				} else {
					seen++
				}
				if e.GetSequence() == all {
					return errEnough
				}
				return nil
			})
			if !errors.Is(err, errEnough) || seen > all {
				t.Errorf("saw %d: %v", seen, err)
			}
		})
	}
	for range all {
		j.Add(dead("x"))
	}
	group.Wait()
}

func TestEndOfTheContextEndsAReader(t *testing.T) {
	for name, j := range map[string]*Journal{"empty": New(1), "none": nil} {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := j.Follow(ctx, 0, func(*inspectv1.Event) error { return errEnough }); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	var none *Journal
	none.Add(dead("x"))
	if none.On() || none.Last() != 0 || none.Missed() != 0 || none.Recent(0) != nil {
		t.Error("no journal keeps events")
	}
}

func TestAJournalIsSwitchedOffAndOn(t *testing.T) {
	j := New(8)
	j.Add(dead("before"))
	first := j.Run()
	read(t, j, 0, 1)
	done := make(chan error, 1)
	go func() { done <- j.Follow(t.Context(), 1, func(*inspectv1.Event) error { return errEnough }) }()
	j.Switch(true)
	if j.Run() != first || len(j.Recent(0)) != 1 {
		t.Error("switched on twice it began anew")
	}
	j.Switch(false)
	if err := <-done; !errors.Is(err, ErrOff) {
		t.Errorf("a reader: %v", err)
	}
	j.Add(dead("while off"))
	if j.On() || j.Recent(0) != nil || j.Last() != 1 {
		t.Errorf("off, it has %v of %d", j.Recent(0), j.Last())
	}
	if err := j.Follow(t.Context(), 0, func(*inspectv1.Event) error { return errEnough }); !errors.Is(err, ErrOff) {
		t.Errorf("another reader: %v", err)
	}
	j.Switch(true)
	if j.Run() == first || j.Run() == 0 || j.Recent(0) != nil {
		t.Errorf("on again, it has %v", j.Recent(0))
	}
	j.Add(dead("after"))
	if got := read(t, j, 0, 1); got[0].GetSequence() != 2 || got[0].GetDeadLetter().GetTarget() != "after" {
		t.Errorf("%v", got)
	}
}

func BenchmarkAdd(b *testing.B) {
	j := New(DefaultSize)
	b.ReportAllocs()
	for b.Loop() {
		j.Add(dead("x"))
	}
}
