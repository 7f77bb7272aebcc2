package supervise_test

import (
	"fmt"
	"testing"

	"github.com/asynkron/protoactor-go/actor"

	"receptor/actors/supervise"
)

// What was there before its registry was replaced is still found, what comes is, and
// what goes leaves nothing.
func TestNewSystemKnowsItsActors(t *testing.T) {
	system := supervise.NewSystem()
	defer system.Shutdown()
	if _, ok := system.ProcessRegistry.GetLocal("eventstream"); !ok {
		t.Error("the library's own processes are lost")
	}
	count := func() (n int) {
		for _, bucket := range system.ProcessRegistry.LocalPIDs.LocalPIDs {
			n += bucket.Count()
		}
		return n
	}
	before := count()
	props := actor.PropsFromFunc(func(actor.Context) {})
	var pids []*actor.PID
	for i := range 1000 {
		pid, err := system.Root.SpawnNamed(props, fmt.Sprint("a", i))
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	if _, err := system.Root.SpawnNamed(props, "a7"); err == nil {
		t.Error("a name was given twice")
	}
	if got := count(); got != before+1000 {
		t.Errorf("%d processes, %d before", got, before)
	}
	for _, pid := range pids {
		if err := system.Root.StopFuture(pid).Wait(); err != nil {
			t.Fatal(err)
		}
	}
	if got := count(); got != before {
		t.Errorf("%d processes are left, %d before", got, before)
	}
}
