package meter

import (
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	supervisev1 "receptor/proto/supervise/v1"
)

func TestOldestIsKnownToAnEighth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &Meter{}
		const all = 70_000 // a message each millisecond
		for range all {
			m.Posted()
			time.Sleep(time.Millisecond)
		}
		for _, depth := range []uint64{1, 2, 31, 32, 33, 100, 127, 128, 129, 257, 4000, 65_000} {
			want := time.Duration(depth) * time.Millisecond
			got := m.oldest(depth)
			if got > want || got < want-want/8-time.Millisecond {
				t.Errorf("depth %d: oldest %v, want about %v", depth, got, want)
			}
		}
		if m.oldest(0) != 0 {
			t.Error("nothing waits, and is old")
		}
	})
}

func TestOldestOfTheFirstMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &Meter{}
		for all := range uint64(slots) {
			for depth := range all + 1 {
				if got := m.oldest(depth); got != time.Duration(depth)*time.Millisecond {
					t.Errorf("depth %d of %d: oldest %v", depth, all, got)
				}
			}
			m.Posted()
			time.Sleep(time.Millisecond)
		}
	})
}

func TestHandling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &Meter{}
		for i := range 100 {
			m.Begin(&supervisev1.GetTree{})
			time.Sleep(time.Millisecond)
			if i == 99 {
				time.Sleep(time.Second)
			}
			m.End()
		}
		m.Begin(&supervisev1.Shutdown{})
		time.Sleep(3 * time.Second)
		a := m.Read(0)
		if a.GetCurrent() != "supervise.v1.Shutdown" || time.Since(a.GetCurrentSince().AsTime()) != 3*time.Second || a.GetOldest() != nil {
			t.Errorf("current: %v", a)
		}
		m.End()
		a = m.Read(0)
		if a.GetMessages() != 101 || a.GetCurrent() != "" || len(a.GetHandling()) != 2 {
			t.Fatalf("%v", a)
		}
		tree := a.GetHandling()[1]
		if tree.GetType() != "supervise.v1.GetTree" || tree.GetCount() != 100 || tree.GetMax().AsDuration() != 1001*time.Millisecond {
			t.Errorf("%v", tree)
		}
		if p50 := tree.GetP50().AsDuration(); p50 < time.Millisecond || p50 > 3*time.Millisecond/2 {
			t.Errorf("p50 %v", p50)
		}
		if p99 := tree.GetP99().AsDuration(); p99 > 2*time.Millisecond {
			t.Errorf("p99 %v of 99 messages of 1 ms and one of 1 s", p99)
		}
	})
}

// An actor without children goes from one to the next at once, and nobody is left to
// be told how long that took.
func TestAMessageTakesOverFromOneThatHasNoEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &Meter{}
		m.Begin(&supervisev1.GetTree{})
		time.Sleep(time.Second)
		m.Begin(&supervisev1.Shutdown{})
		a := m.Read(0)
		if a.GetCurrent() != "supervise.v1.Shutdown" || time.Since(a.GetCurrentSince().AsTime()) != time.Second || a.GetMessages() != 0 {
			t.Errorf("%v", a)
		}
	})
}

// Actors come and go by the thousand: what there is to know of the short life of one
// is in a single piece.
func TestAShortLifeIsOneAllocation(t *testing.T) {
	var life *Meter
	allocated := testing.AllocsPerRun(100, func() {
		life = &Meter{}
		for range early {
			life.Posted()
		}
		for range len(life.latest) {
			life.Begin("x")
			life.End()
		}
	})
	if n := life.Read(0).GetMessages(); allocated != 1 || int(n) != len(life.latest) {
		t.Errorf("%v allocations for %d messages", allocated, n)
	}
}

func TestRateIsThatOfTheLastSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &Meter{}
		run := func(gap time.Duration, n int) {
			for range n {
				m.Begin("x")
				m.End()
				time.Sleep(gap)
			}
		}
		m.Begin("x")
		m.End()
		if r := m.Read(0).GetMessagesPerSecond(); r != 1 {
			t.Errorf("%v a second after the first message", r)
		}
		run(time.Second, 100)
		run(10*time.Millisecond, 2000)
		if r := m.Read(0).GetMessagesPerSecond(); r < 90 || r > 110 {
			t.Errorf("%v a second, want about 100", r)
		}
		time.Sleep(time.Minute)
		m.Read(0)
		time.Sleep(time.Minute)
		m.Read(0)
		if r := m.Read(0).GetMessagesPerSecond(); r != 0 {
			t.Errorf("%v a second after a quiet minute", r)
		}
	})
}

func TestTypesAreBounded(t *testing.T) {
	m := &Meter{}
	for i := range 100 {
		m.Begin(reflect.New(reflect.ArrayOf(i, reflect.TypeFor[byte]())).Interface())
		m.End()
	}
	a := m.Read(0)
	if n := len(a.GetHandling()); n != maxTypes+1 {
		t.Errorf("%d types are told apart", n)
	}
	var others uint64
	for _, h := range a.GetHandling() {
		if h.GetType() == "other" {
			others = h.GetCount()
		}
	}
	if others != 100-maxTypes {
		t.Errorf("%d others", others)
	}
}

func TestBuckets(t *testing.T) {
	for took := time.Duration(1); took < 5*time.Minute; took += took/7 + 1 {
		var h histogram
		h.add(took)
		got := h.quantile(0.5)
		if got < took && took < 200*time.Second || took > 1<<floor && got > took+took/2+1 {
			t.Fatalf("%v is said to be %v", took, got)
		}
	}
}

func BenchmarkMessage(b *testing.B) {
	m := &Meter{}
	message := &supervisev1.Shutdown{}
	b.ReportAllocs()
	for b.Loop() {
		m.Posted()
		m.Begin(message)
		m.End()
	}
}
