package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"receptor/actors/work/store"
	"receptor/actors/work/unit"
	"receptor/test/blackbox/harness"
)

// Units of work by the thousand take minutes: RECEPTOR_BENCH_UNITS=1 asks for them.
const unitsName = "RECEPTOR_BENCH_UNITS"

// patience is how long a measurement may take on a machine with much else to do.
const patience = 20 * time.Minute

// daemons is a world of real daemons.
func daemons(b *testing.B) (*harness.World, harness.Programs, context.Context) {
	if os.Getenv(unitsName) == "" {
		b.Skipf("takes minutes; set %s=1 to measure it", unitsName)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	dir, err := os.MkdirTemp("", "rcb-") // short, for the path of a socket
	must(b, err)
	w := harness.NewWorld(dir)
	b.Cleanup(func() {
		defer cancel()
		must(b, errors.Join(w.Close(ctx), os.RemoveAll(dir)))
	})
	programs, err := harness.FindPrograms(os.Getenv("RECEPTOR_BIN"))
	if os.Getenv("RECEPTOR_BIN") == "" {
		programs, err = harness.BuildPrograms(ctx, dir)
	}
	must(b, err)
	return w, programs, ctx
}

// BenchmarkRunningUnits is what a thousand units cost that run on another node, and
// do nothing: of a core, and of memory, for each of the two daemons.
func BenchmarkRunningUnits(b *testing.B) {
	const units, clients, watched = 1000, 4, 10 * time.Second
	w, programs, ctx := daemons(b)
	port, err := harness.FreePort()
	must(b, err)
	fifo := filepath.Join(w.Dir, "fifo") // all wait at it, and end when it is closed
	must(b, syscall.Mkfifo(fifo, 0o600))
	end, err := os.OpenFile(fifo, os.O_RDWR, 0)
	must(b, err)
	near := w.Node(programs.Receptor, "near", harness.Listener(port)...)
	far := w.Node(programs.Receptor, "far", harness.Join(harness.Peer(port), harness.Command("wait", "cat", fifo))...)
	must(b, near.Up(ctx))
	must(b, far.Up(ctx))
	must(b, near.Sees(ctx, "far"))
	begun := time.Now()
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for range units / clients {
				_, _, err := near.Submit(ctx, harness.Work{Node: "far", Type: "wait"})
				must(b, err)
			}
		})
	}
	all.Wait()
	untilRunning(ctx, b, near, units)
	found := map[string]float64{"started/s": units / time.Since(begun).Seconds()} // the loop forgets what was reported before
	for name, n := range map[string]*harness.Node{"near": near, "far": far} {
		before := cpuOf(b, n.PID())
		time.Sleep(watched) // this is what is measured
		found["%core-"+name] = 100 * (cpuOf(b, n.PID()) - before).Seconds() / watched.Seconds()
		found["MB-"+name] = residentMB(b, n.PID())
	}
	for b.Loop() { // what a client sees
		_, err := near.Ask(ctx, "work list")
		must(b, err)
	}
	for name, value := range found {
		b.ReportMetric(value, name)
	}
	must(b, end.Close())
	untilRunning(ctx, b, near, 0)
}

// untilRunning waits until that many units run, as a node sees it.
func untilRunning(ctx context.Context, b *testing.B, n *harness.Node, units int) {
	must(b, harness.Until(ctx, fmt.Sprintf("%d units that run", units), func() error {
		var running map[string]any
		err := n.AskJSON(ctx, `{"command":"work","subcommand":"list","state":"running","detail":"brief"}`, &running)
		if err == nil && len(running) != units {
			err = fmt.Errorf("%d run", len(running))
		}
		return err
	}))
}

// BenchmarkFinishedUnits is how long a daemon takes to start with ten thousand
// finished units on its disk, and to list them.
func BenchmarkFinishedUnits(b *testing.B) {
	const units = 10_000
	w, programs, ctx := daemons(b)
	foo := w.Node(programs.Receptor, "foo", "--local-only")
	s, err := store.Open(foo.DataDir, "foo")
	must(b, err)
	for i := range units {
		r := unit.Record{State: unit.Succeeded, Detail: "exit status 0", StdoutSize: 5, WorkType: "cat"}
		d, err := s.Create(fmt.Sprintf("u%07d", i), r, "")
		must(b, err)
		must(b, os.WriteFile(d.Stdout(), []byte("hello"), 0o600))
	}
	must(b, foo.Up(ctx))
	b.Run("start", func(b *testing.B) {
		for b.Loop() {
			must(b, foo.Stop(ctx))
			must(b, foo.Up(ctx))
		}
		b.ReportMetric(residentMB(b, foo.PID()), "MB")
	})
	for name, line := range map[string]string{
		"list": "work list",
		"page": `{"command":"work","subcommand":"list","limit":100,"after":"u0005000"}`,
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_, err := foo.Ask(ctx, line)
				must(b, err)
			}
		})
	}
}

// cpuOf is the time a process has had of a core.
func cpuOf(b *testing.B, pid int) time.Duration {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	must(b, err)
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	user, err := strconv.Atoi(fields[11])
	must(b, err)
	system, err := strconv.Atoi(fields[12])
	must(b, err)
	return time.Duration(user+system) * 10 * time.Millisecond // a tick
}

func residentMB(b *testing.B, pid int) float64 {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	must(b, err)
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	must(b, err)
	return kb / 1024
}
