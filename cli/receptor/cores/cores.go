package cores

import (
	"context"
	"os"
	"runtime"
	"syscall"
	"time"
)

const (
	// window is how long the use is measured before each decision: a transfer that
	// begins has all cores after one or two of them.
	window = 50 * time.Millisecond
	// grow and shrink are in cores. They lie so far apart that the work which made
	// the process grow does not let it shrink again.
	grow   = 0.65
	shrink = 0.45
	// patience is how many windows in a row have to be calm before it shrinks:
	// changing stops the process for some microseconds.
	patience = 20
)

// Adapt changes the number of cores that the process may use, as it needs them,
// until ctx is done. One who has set GOMAXPROCS has decided already.
func Adapt(ctx context.Context) {
	most := runtime.GOMAXPROCS(0)
	if most == 1 || os.Getenv("GOMAXPROCS") != "" {
		return
	}
	adapt(ctx, most, consumed)
}

func adapt(ctx context.Context, most int, consumed func() time.Duration) {
	runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(most)
	g := governor{most: most, now: 1}
	tick := time.NewTicker(window)
	defer tick.Stop()
	at, used := time.Now(), consumed()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		now, total := time.Now(), consumed()
		before := g.now
		if after := g.next(float64(total-used) / float64(now.Sub(at))); after != before {
			runtime.GOMAXPROCS(after)
		}
		at, used = now, total
	}
}

// consumed is the CPU time of this process so far.
func consumed() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0 // it knows itself; then nothing ever looks busy
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// governor decides.
//
//	one core ── busier than grow ──────────────► all
//	all      ── calmer than shrink, patience ──► one core
type governor struct {
	most, now int
	calm      int // windows in a row
}

// next is the number of cores after a window in which busy of them were used.
func (g *governor) next(busy float64) int {
	switch {
	case busy >= shrink:
		g.calm = 0
	default:
		g.calm++
	}
	switch {
	case busy > grow:
		g.now = g.most
	case g.calm >= patience:
		g.now = 1
	}
	return g.now
}
