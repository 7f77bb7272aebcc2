package blackbox

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"receptor/test/blackbox/harness"
)

// job is one unit of work, drawn before anything runs: the same seed gives the
// same jobs.
type job struct {
	token    string // names the execution's mark
	from, to int    // nodes
	seed     [32]byte
	payload  int
	lines    int // of output after the payload
	pause    time.Duration
	exit     int
	fate     fate
	fateAt   time.Duration // after the submission
	reads    bool          // somebody follows the output while the unit runs
}

// fate is what a client does to a unit before it ends by itself.
type fate int

const (
	left fate = iota
	canceled
	released
	forced
)

var fates = [...]string{"work cancel ", "work cancel ", "work release ", "work force-release "}

// drawJobs draws so many jobs for a mesh of some nodes.
func drawJobs(dice *rand.Rand, count, nodes int) []*job {
	jobs := make([]*job, count)
	for i := range jobs {
		j := &job{
			token: fmt.Sprintf("j%d", i), from: dice.IntN(nodes), to: dice.IntN(nodes),
			payload: size(dice, 300_000), lines: size(dice, 60_000), reads: dice.IntN(8) == 0,
		}
		for b := range j.seed {
			j.seed[b] = byte(dice.IntN(256))
		}
		if dice.IntN(3) == 0 {
			j.pause = time.Duration(1+dice.IntN(9)) * 100 * time.Millisecond
		}
		if dice.IntN(8) == 0 {
			j.exit = 1 + dice.IntN(100)
		}
		if dice.IntN(6) == 0 {
			j.fate = canceled + fate(dice.IntN(3))
			j.fateAt = time.Duration(dice.IntN(800)) * time.Millisecond
			j.reads = false
		}
		jobs[i] = j
	}
	return jobs
}

// size is small most of the time, and sometimes up to the most.
func size(dice *rand.Rand, most int) int {
	if dice.IntN(4) > 0 {
		most /= 100
	}
	return dice.IntN(most)
}

// script is the command of all jobs. The mark is one short line that is appended:
// executions that run at the same time leave one each.
const script = `#!/bin/sh
# TOKEN LINES PAUSE EXIT
echo $$ >>"${0%/*}/marks/$1"
cat
seq 1 $(($2 / 2))
[ "$3" = 0 ] || sleep "$3"
seq $(($2 / 2 + 1)) "$2"
exit "$4"
`

// workType installs the script in a folder and describes the type of work.
func workType(dir string) ([]string, error) {
	file := filepath.Join(dir, "job.sh")
	if err := os.Mkdir(filepath.Join(dir, "marks"), 0o700); err != nil {
		return nil, err
	}
	args := append(harness.Command("job", file, ""), "allowruntimeparams=true")
	return args, os.WriteFile(file, []byte(script), 0o700) //nolint:gosec // it is run
}

func (j *job) params() string {
	return fmt.Sprintf("%s %d %g %d", j.token, j.lines, j.pause.Seconds(), j.exit)
}

// input is the payload, made anew each time.
func (j *job) input() io.Reader { return io.LimitReader(rand.NewChaCha8(j.seed), int64(j.payload)) }

// output is what the job puts out if nobody stops it.
func (j *job) output() ([]byte, error) {
	var out bytes.Buffer
	_, err := io.Copy(&out, j.input())
	for i := 1; i <= j.lines; i++ {
		out.WriteString(strconv.Itoa(i))
		out.WriteByte('\n')
	}
	return out.Bytes(), err
}

// executions counts the marks of a job.
func (w *world) executions(j *job) int {
	w.t.Helper()
	marks, err := os.ReadFile(filepath.Join(w.Dir, "marks", j.token))
	if os.IsNotExist(err) {
		return 0
	}
	w.must(err)
	return strings.Count(string(marks), "\n")
}
