package bench

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// BenchmarkDebugInstructions is what debug mode costs, exactly: the instructions of a
// piece of work without and with it, counted by valgrind, whatever else the machine
// does. Only what passes no network is the same each time. What the kernel does is
// not counted, nor is garbage collected; B/piece is what there would be to collect. Hop
// is what a node pays that only could be debugged.
// It wants the path of valgrind in RECEPTOR_VALGRIND, as make bench-debug gives it.
func BenchmarkDebugInstructions(b *testing.B) {
	valgrind := os.Getenv("RECEPTOR_VALGRIND")
	if valgrind == "" {
		b.Skip("instructions are not counted: RECEPTOR_VALGRIND names no valgrind")
	}
	b.Run("status", func(b *testing.B) { weigh(b, valgrind, "Node/status", modes) })
	b.Run("visits", func(b *testing.B) { weigh(b, valgrind, "Node/visits", modes) })
	b.Run("hop", func(b *testing.B) { weigh(b, valgrind, "Hop", [2]string{"plain", "off"}) })
}

// weigh compares two variants of a benchmark, in turns.
func weigh(b *testing.B, valgrind, name string, variants [2]string) {
	var all [2]counted
	rounds := 0.0
	for b.Loop() {
		for i, variant := range variants {
			c := perPiece(b, valgrind, name+"/"+variant)
			all[i].instructions += c.instructions
			all[i].bytes += c.bytes
		}
		rounds++
	}
	for i, variant := range variants {
		b.ReportMetric(all[i].instructions/rounds, variant+"-instructions/piece")
		b.ReportMetric(all[i].bytes/rounds, variant+"-B/piece")
	}
	b.ReportMetric(100*(all[1].instructions/all[0].instructions-1), "instructions%")
	b.ReportMetric(0, "ns/op")
}

type counted struct{ instructions, bytes float64 }

// perPiece is the difference between a few and many pieces: the start and the end of
// the node are in both.
func perPiece(b *testing.B, valgrind, load string) counted {
	const few, many = 500, 2500
	short, long := count(b, valgrind, load, few), count(b, valgrind, load, many)
	return counted{(long.instructions - short.instructions) / (many - few), long.bytes}
}

var (
	collected = regexp.MustCompile(`Collected : (\d+)`)
	allocated = regexp.MustCompile(`(\d+) B/op`)
)

// count runs this program, which does so many pieces. Valgrind does not always get
// along with the signals of the runtime.
func count(b *testing.B, valgrind, load string, pieces int) counted {
	var out []byte
	var err error
	for range 5 {
		cmd := exec.CommandContext(b.Context(), valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null", os.Args[0],
			"-test.run=^$", "-test.bench=^Benchmark"+strings.ReplaceAll(load, "/", "$/^")+"$", fmt.Sprintf("-test.benchtime=%dx", pieces))
		cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "GOGC=off", "GODEBUG=asyncpreemptoff=1")
		out, err = cmd.CombinedOutput()
		instructions, bytes := collected.FindSubmatch(out), allocated.FindSubmatch(out)
		if err == nil && instructions != nil && bytes != nil {
			return counted{number(b, instructions[1]), number(b, bytes[1])}
		}
	}
	b.Fatalf("count the instructions of %s: %v\n%s", load, err, out)
	return counted{}
}

func number(b *testing.B, digits []byte) float64 {
	n, err := strconv.ParseFloat(string(digits), 64)
	must(b, err)
	return n
}
