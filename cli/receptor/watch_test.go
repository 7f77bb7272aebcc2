package main

import (
	"context"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestFilesAreWatched(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "f")
	at := time.Unix(1_000_000, 0)
	write := func(file, text string) {
		t.Helper()
		at = at.Add(time.Millisecond)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, at, at); err != nil {
			t.Fatal(err)
		}
	}
	write(name, "first")
	known := stateOf([]string{name})
	write(name, "before anybody looks")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		var changes atomic.Int32
		go func() {
			defer close(done)
			watch(ctx, []string{name}, known, func() { changes.Add(1) })
		}()
		look := func() {
			time.Sleep(watchPeriod)
			synctest.Wait()
		}
		expect := func(when string, want int32) {
			t.Helper()
			if n := changes.Load(); n != want {
				t.Errorf("%s: %d changes, want %d", when, n, want)
			}
		}
		look()
		look()
		expect("changed since it was read", 1)
		look()
		look()
		expect("untouched", 1)
		for range 3 { // somebody is at it
			write(name, "secon")
			look()
		}
		expect("while it is written", 1)
		look()
		expect("when it is written", 2)
		look()
		expect("afterwards", 2)
		write(filepath.Join(dir, "new"), "third")
		if err := os.Rename(filepath.Join(dir, "new"), name); err != nil {
			t.Fatal(err)
		}
		look()
		look()
		expect("replaced", 3)
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		look()
		look()
		expect("removed", 4)
		write(name, "fourth")
		look()
		look()
		expect("back again", 5)
		cancel()
		<-done
	})
}
