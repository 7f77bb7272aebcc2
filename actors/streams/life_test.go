package streams

import (
	"testing"
	"time"
)

func TestWhenAConnectionEnds(t *testing.T) {
	t0 := time.Unix(1000, 0)
	for _, c := range []struct {
		name string
		life life
		now  time.Duration
		do   step
		in   time.Duration
	}{
		{"in use", life{shared: true, dialled: true, active: 1, since: t0}, time.Hour, stepWait, 0},
		{"in use, offered to end", life{shared: true, active: 1, bye: true}, time.Hour, stepWait, 0},
		{"single, in use", life{active: 1, evicted: true, since: t0}, time.Hour, stepWait, 0},
		{"single, just finished", life{since: t0}, 0, stepWait, linger},
		{"single, lingering", life{since: t0}, linger - 1, stepWait, 1},
		{"single, lingered", life{since: t0}, linger, stepClose, 0},
		{"single, evicted", life{since: t0, evicted: true}, 0, stepClose, 0},
		{"dialled, idle", life{shared: true, dialled: true, since: t0}, time.Second, stepWait, idleAfter - time.Second},
		{"dialled, idle for long", life{shared: true, dialled: true, since: t0}, idleAfter, stepRetire, 0},
		{"dialled, retired", life{shared: true, dialled: true, since: t0, retired: t0}, time.Second, stepWait, retireWait - time.Second},
		{"dialled, retired for long", life{shared: true, dialled: true, since: t0, retired: t0}, retireWait, stepClose, 0},
		{"accepted, idle", life{shared: true, since: t0}, time.Hour, stepWait, 0},
		{"accepted, offered to end", life{shared: true, since: t0, bye: true}, 0, stepClose, 0},
		{"accepted, retired, in use", life{shared: true, active: 1, since: t0, retired: t0}, time.Hour, stepWait, 0},
		{"accepted, retired", life{shared: true, since: t0, retired: t0}, time.Second, stepWait, linger - time.Second},
		{"accepted, retired for long", life{shared: true, since: t0, retired: t0}, linger, stepClose, 0},
	} {
		do, in := c.life.next(t0.Add(c.now))
		if do != c.do || in != c.in {
			t.Errorf("%s: step %d in %v; want %d in %v", c.name, do, in, c.do, c.in)
		}
	}
}

func TestOnlySoManyConnectionsLinger(t *testing.T) {
	table := newTable()
	var pumps []*pump
	for range maxLingering + 2 {
		p := &pump{}
		if !table.add(p) {
			t.Fatal("no room in the table")
		}
		pumps = append(pumps, p)
	}
	for i, p := range pumps[:maxLingering] {
		if evicted := table.linger(p); evicted != nil {
			t.Fatalf("connection %d: %d has to go", i, evicted.id)
		}
	}
	if evicted := table.linger(pumps[maxLingering]); evicted != pumps[0] {
		t.Errorf("not the oldest has to go")
	}
	table.remove(pumps[1])
	if evicted := table.linger(pumps[maxLingering+1]); evicted != nil {
		t.Errorf("%d has to go, though there is room", evicted.id)
	}
}
