package runner

import (
	"os"
	"syscall"
	"testing"
	"time"

	"receptor/actors/work/store"
	"receptor/actors/work/unit"
)

// What a unit costs besides its command, which does nothing: the start of a runner,
// and what the runner writes down.
func BenchmarkRunner(b *testing.B) {
	for name, program := range map[string]string{"small": small, "own": "/proc/self/exe"} {
		b.Run(name, func(b *testing.B) {
			s, err := store.Open(b.TempDir(), "node")
			if err != nil {
				b.Fatal(err)
			}
			before := childrenCPU(b)
			for b.Loop() {
				runTrue(b, s, program)
			}
			b.ReportMetric(float64((childrenCPU(b)-before).Microseconds())/float64(b.N), "cpu-us/op")
		})
	}
}

func runTrue(b *testing.B, s *store.Store, program string) {
	b.Helper()
	r := unit.NewLocal("true", "").Record
	r.Detail = unit.DetailStarting
	d, err := s.Create("abcdefgh", r, "")
	if err != nil {
		b.Fatal(err)
	}
	child, err := Start([]string{program}, d, Job{Command: "true"})
	if err != nil {
		b.Fatal(err)
	}
	if err := child.Wait(); err != nil {
		b.Fatal(err)
	}
	child.Close()
	if err := child.Reap(); err != nil {
		b.Fatal(err)
	}
	if end, err := d.Read(); err != nil || end.State != unit.Succeeded {
		b.Fatalf("ended as %+v, %v", end, err)
	}
	if err := os.RemoveAll(d.Path()); err != nil {
		b.Fatal(err)
	}
}

// childrenCPU is the time that all ended children, and theirs, have had of a core.
func childrenCPU(b *testing.B) time.Duration {
	b.Helper()
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &use); err != nil {
		b.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}
