package work

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"receptor/actors/work/store"
	workv1 "receptor/proto/work/v1"
)

func TestWatchTellsEachChangeOnceAndSpeaksInTime(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		f := NewFeeds()
		at := store.At(dir)
		running := &workv1.Status{UnitId: "a", State: workv1.State_STATE_RUNNING}
		feed := f.publish("a", at, running)
		f.publish("b", at, &workv1.Status{UnitId: "b", State: workv1.State_STATE_RUNNING})
		asked := make(chan string)
		var mu sync.Mutex
		var told []string
		go f.WatchUnits(ctx, asked, func(changed []*workv1.Status) error { //nolint:errcheck // it ends with the context
			mu.Lock()
			defer mu.Unlock()
			if len(changed) == 0 {
				told = append(told, "alive")
			}
			for _, s := range changed {
				told = append(told, s.GetUnitId()+" "+s.GetState().String()+map[bool]string{true: " gone"}[s.GetGone()])
			}
			return nil
		})
		expect := func(want ...string) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if len(told) != len(want) {
				t.Fatalf("told %q, want %q", told, want)
			}
			for i := range want {
				if told[i] != want[i] {
					t.Errorf("told %q, want %q", told, want)
				}
			}
			told = nil
		}
		go func() { asked <- "+a" }()
		expect() // a client that is early waits until all units are loaded
		f.complete()
		expect("a STATE_RUNNING")
		asked <- "+nosuch"
		expect("nosuch STATE_PENDING_UNSPECIFIED gone")
		asked <- "+b"
		expect("b STATE_RUNNING")
		asked <- "-b"
		f.remove("b")
		feed.grew() // by nothing
		f.publish("a", at, running)
		expect()
		time.Sleep(keepAlive)
		expect("alive")
		f.publish("a", at, &workv1.Status{UnitId: "a", State: workv1.State_STATE_SUCCEEDED})
		expect("a STATE_SUCCEEDED")
		f.remove("a") // it was final: nobody watches any more
		expect()
		if len(feed.watchers) != 0 {
			t.Error("a final unit is still watched")
		}
		stop()
		synctest.Wait()
	})
}
