package probe

import (
	"runtime"
	"strings"
	"testing"
	"time"
)

// The library counts dead letters in a goroutine that lives for one second, so
// what is left is looked for until a little later.
const leakPatience = 3 * time.Second

// NoGoroutineLeft calls f and fails when a goroutine that f started outlives it.
// It is for tests without a stage: whole nodes, sockets. Nothing else may run in
// parallel.
func NoGoroutineLeft(t testing.TB, f func()) {
	t.Helper()
	before := goroutines(false)
	f()
	noneLeft(t, false, before)
}

// noneLeft waits until no goroutine is left but those from before.
func noneLeft(t testing.TB, bubble bool, before map[string]string) {
	t.Helper()
	deadline := time.Now().Add(leakPatience)
	for {
		var left []string
		for id, stack := range goroutines(bubble) {
			if _, old := before[id]; !old {
				left = append(left, stack)
			}
		}
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("%d goroutines are left:\n%s", len(left), strings.Join(left, "\n\n"))
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// goroutines are the stacks by name ("goroutine 12") of all goroutines but the
// calling one and those of the test framework; in a bubble those of that bubble.
func goroutines(bubble bool) map[string]string {
	stacks := strings.Split(allStacks(), "\n\n")
	mark := ""
	if bubble {
		mark = bubbleOf(stacks[0])
	}
	found := map[string]string{}
	for _, stack := range stacks[1:] {
		if bubbleOf(stack) == mark && !framework(stack) {
			id, _, _ := strings.Cut(stack, " [")
			found[id] = stack
		}
	}
	return found
}

func allStacks() string {
	for size := 1 << 18; ; size *= 2 {
		buf := make([]byte, size)
		if n := runtime.Stack(buf, true); n < size {
			return strings.TrimSpace(string(buf[:n]))
		}
	}
}

// framework goroutines run tests, wait for them or for signals.
func framework(stack string) bool {
	for _, name := range []string{
		"testing.(*T).Run(", "testing.tRunner(", "testing.(*M).", "testing/synctest.testingSynctestTest(", "internal/synctest.Run(", "os/signal.",
	} {
		if strings.Contains(stack, name) {
			return true
		}
	}
	return false
}

// bubbleOf is the number of the bubble in the first line of a stack, or empty:
// goroutine 12 [select, synctest bubble 7]:
func bubbleOf(stack string) string {
	head, _, _ := strings.Cut(stack, "\n")
	_, after, _ := strings.Cut(head, "synctest bubble ")
	return strings.TrimRight(after, "]:")
}
