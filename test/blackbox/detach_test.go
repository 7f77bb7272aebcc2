package blackbox

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"

	"receptor/test/blackbox/harness"
)

var reattach = regexp.MustCompile(`(?m)^Detached from unit (\w+), which goes on\. For the rest of its results:\n  (receptorctl .*)$`)

// follower is a receptorctl that follows a unit.
type follower struct {
	w      *world
	cmd    *exec.Cmd
	stdout io.Reader
	stderr bytes.Buffer
}

// follows starts a command in which receptorctl is the one under test.
func (w *world) follows(command string) *follower {
	w.t.Helper()
	f := &follower{w: w, cmd: exec.CommandContext(w.ctx, "sh", "-c", "exec "+command)}
	f.cmd.Dir, f.cmd.Stderr = w.Dir, &f.stderr
	f.cmd.Env = append(os.Environ(), w.Mark(), "PATH="+filepath.Dir(programs.Receptorctl)+":"+os.Getenv("PATH"))
	out, err := f.cmd.StdoutPipe()
	w.must(err)
	f.stdout = out
	w.must(f.cmd.Start())
	return f
}

// end reads what there still is, and wants an exit status.
func (f *follower) end(code int) string {
	f.w.t.Helper()
	rest, err := io.ReadAll(f.stdout)
	f.w.must(err)
	_ = f.cmd.Wait() // the exit status says it
	if got := f.cmd.ProcessState.ExitCode(); got != code {
		f.w.t.Errorf("%s: exit status %d, want %d: %s", f.cmd, got, code, f.stderr.String())
	}
	return string(rest)
}

// Ctrl-C leaves a unit alone and says what to enter; that gives the rest of the output,
// to the byte, while the unit still runs.
func TestFollowingGoesOnWhereItWasLeft(t *testing.T) {
	for _, c := range []struct {
		name      string
		follow    string
		submitted bool // follow wants the ID of a unit at its end
		bytes     int  // to be read before Ctrl-C
	}{
		{"at once", "work results", true, 1},
		{"in the midst", "work results", true, 100_001},
		{"where it waits", "work results", true, 288_894},
		{"twice", "work results --startpos 0", true, 7},
		{"submitted to another node", "work submit count --node b --no-payload --follow", false, 65_536},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			port, more, last := w.port(), filepath.Join(w.Dir, "more"), filepath.Join(w.Dir, "last")
			await := func(file string) string { return "while [ ! -e " + file + " ]; do sleep 0.05; done\n" }
			script := w.file("count", "seq 1 50000\n"+await(more)+"seq 50001 60000\n"+await(last)+"seq 60001 70000\n")
			work := harness.Command("count", "sh", script)
			b, a := w.node("b", harness.Listener(port), work), w.node("a", harness.Peer(port), work)
			w.up(b, a)
			w.must(a.Sees(w.ctx, "b"))
			var want bytes.Buffer
			for i := range 70000 {
				fmt.Fprintln(&want, i+1)
			}

			command := "receptorctl --socket " + a.Socket + " " + c.follow
			if c.submitted {
				command += " " + w.gives(a, "count")
			}
			got := ""
			for range 2 {
				f := w.follows(command)
				begin := make([]byte, c.bytes)
				_, err := io.ReadFull(f.stdout, begin)
				w.must(err)
				w.must(f.cmd.Process.Signal(syscall.SIGINT))
				got += string(begin) + f.end(130)
				said := reattach.FindStringSubmatch(f.stderr.String())
				if said == nil {
					t.Fatalf("no way back: %q", f.stderr.String())
				}
				if u, err := a.Unit(w.ctx, said[1]); err != nil || u.State > 1 {
					t.Fatalf("the unit is %+v, %v", u, err)
				}
				w.must(os.WriteFile(more, nil, 0o600))
				if command = said[2]; c.name != "twice" {
					break
				}
			}
			f := w.follows(command)
			w.must(os.WriteFile(last, nil, 0o600))
			got += f.end(0)
			if got != want.String() {
				at := 0
				for at < min(len(got), want.Len()) && got[at] == want.Bytes()[at] {
					at++
				}
				t.Errorf("%d bytes, want %d; different from byte %d", len(got), want.Len(), at)
			}
		})
	}
}
