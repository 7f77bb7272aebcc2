package cores

import (
	"context"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestCoresFollowTheLoad(t *testing.T) {
	g := governor{most: 8, now: 1}
	var got []int
	feed := func(windows int, busy float64) {
		for range windows {
			got = append(got, g.next(busy))
		}
		got = slices.Compact(got)
	}
	feed(100, 0.6) // one is enough
	feed(1, 0.9)
	feed(100, 3)
	feed(100, 0.5) // what made it grow does not let it shrink
	feed(patience-1, 0.1)
	feed(1, 0.5)
	feed(patience-1, 0.1)
	if !slices.Equal(got, []int{1, 8}) {
		t.Errorf("%v", got)
	}
	feed(1, 0.1)
	if !slices.Equal(got, []int{1, 8, 1}) {
		t.Errorf("after a calm time: %v", got)
	}
}

func TestAProcessHasTheCoresThatItNeeds(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		var used, each atomic.Int64
		done := make(chan struct{})
		go func() {
			defer close(done)
			adapt(ctx, 3, func() time.Duration { return time.Duration(used.Add(each.Load())) })
		}()
		for i, c := range []struct {
			busy float64
			want int
		}{{0, 1}, {0.5, 1}, {1, 3}, {0.5, 3}, {0.1, 1}} {
			each.Store(int64(c.busy * float64(window)))
			time.Sleep((patience + 1) * window)
			synctest.Wait()
			if n := runtime.GOMAXPROCS(0); n != c.want {
				t.Errorf("%d: %d cores, want %d", i, n, c.want)
			}
		}
		stop()
		<-done
		if n := runtime.GOMAXPROCS(0); n != 3 {
			t.Errorf("%d cores afterwards", n)
		}
	})
}

func TestConsumedTimeGrows(t *testing.T) {
	first := consumed()
	for end := time.Now().Add(time.Minute); consumed() <= first; {
		if time.Now().After(end) {
			t.Fatal("it stands still")
		}
	}
}
