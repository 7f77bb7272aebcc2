package blackbox

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"receptor/test/blackbox/harness"
)

// patience bounds what a single test waits for, all in all.
const patience = 90 * time.Second

var programs harness.Programs

// atATime is how many tests run at a time: they wait more than they compute.
const atATime = "4"

// TestMain takes the programs from the folder in RECEPTOR_BIN, or builds them.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := runAtATime(atATime); err != nil {
		panic(err) // the flag is there
	}
	code, err := runAll(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// runAtATime sets how many tests run at a time unless the command line says it.
func runAtATime(n string) error {
	said := false
	flag.Visit(func(f *flag.Flag) { said = said || f.Name == "test.parallel" })
	if said {
		return nil
	}
	return flag.Set("test.parallel", n)
}

func runAll(m *testing.M) (code int, err error) {
	if folder := os.Getenv("RECEPTOR_BIN"); folder != "" {
		if programs, err = harness.FindPrograms(folder); err != nil {
			return 1, err
		}
		return m.Run(), nil
	}
	folder, err := os.MkdirTemp("", "receptor-bin-")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	if programs, err = harness.BuildPrograms(context.Background(), folder); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// world is a harness.World whose troubles fail the test.
type world struct {
	*harness.World
	t   *testing.T
	ctx context.Context // ends before the test's patience does
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	return newLoneWorld(t, patience)
}

// newLoneWorld does not run beside other tests unless the test says so, and may
// have more patience.
func newLoneWorld(t *testing.T, patience time.Duration) *world {
	t.Helper()
	// Not t.TempDir: the path of a Unix socket has room for 107 bytes.
	dir, err := os.MkdirTemp("", "rcp-")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{World: harness.NewWorld(dir), t: t}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	w.ctx = ctx
	t.Cleanup(func() {
		defer cancel()
		stop, done := harness.StopContext()
		defer done()
		w.in(t).logsAreSound()
		if err := w.Close(stop); err != nil {
			t.Errorf("clear up: %v", err)
		}
		if t.Failed() && os.Getenv(soakVariable) != "" {
			t.Logf("the world is kept in %s", dir)
			return
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("clear up: %v", err)
		}
	})
	return w
}

// in is the same world for a subtest.
func (w *world) in(t *testing.T) *world { return &world{World: w.World, t: t, ctx: w.ctx} }

// node describes one of our daemons.
func (w *world) node(id string, args ...[]string) *harness.Node {
	return w.Node(programs.Receptor, id, harness.Join(args...)...)
}

// up starts daemons, one after the other, until each answers.
func (w *world) up(nodes ...*harness.Node) {
	w.t.Helper()
	for _, n := range nodes {
		w.must(n.Up(w.ctx))
	}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) port() int {
	w.t.Helper()
	port, err := harness.FreePort()
	w.must(err)
	return port
}

// chain starts three daemons of ours: the outer ones dial the middle one. args
// are those of all three.
func (w *world) chain(args ...[]string) (a, b, c *harness.Node) {
	w.t.Helper()
	ours := programs.Receptor
	return w.chainOf([3]string{ours, ours, ours}, args...)
}

func (w *world) chainOf(program [3]string, args ...[]string) (a, b, c *harness.Node) {
	w.t.Helper()
	port := w.port()
	all := harness.Join(args...)
	a = w.Node(program[0], "a", harness.Join(harness.Peer(port), all)...)
	b = w.Node(program[1], "b", harness.Join(harness.Listener(port), all)...)
	c = w.Node(program[2], "c", harness.Join(harness.Peer(port), all)...)
	for _, n := range []*harness.Node{a, b, c} {
		n.Foreign = n.Program != programs.Receptor
	}
	w.up(b, a, c)
	w.must(a.Sees(w.ctx, "b", "c"))
	w.must(b.Sees(w.ctx, "a", "c"))
	w.must(c.Sees(w.ctx, "a", "b"))
	return a, b, c
}

// logsAreSound wants no sign of a broken invariant in the logs of our daemons.
func (w *world) logsAreSound() {
	w.t.Helper()
	logs, err := filepath.Glob(filepath.Join(w.Dir, "*.log"))
	w.must(err)
	for _, file := range logs {
		log, err := os.ReadFile(file)
		w.must(err)
		for line := range strings.Lines(string(log)) {
			for _, sign := range []string{"unexpected message", "broken invariant", "panic", "did not stop in time"} {
				if strings.Contains(line, sign) {
					w.t.Errorf("%s: %s", filepath.Base(file), line)
				}
			}
		}
	}
}

// run runs a program to its end.
func (w *world) run(program string, args ...string) (stdout, stderr string, code int) {
	w.t.Helper()
	return w.runWith("", program, args...)
}

// runWith also has something to read for the program.
func (w *world) runWith(input, program string, args ...string) (stdout, stderr string, code int) {
	w.t.Helper()
	var out, complaints bytes.Buffer
	cmd := exec.CommandContext(w.ctx, program, args...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = w.Dir, strings.NewReader(input), &out, &complaints
	cmd.Env = append(slices.DeleteFunc(os.Environ(), ofReceptorctl), w.Mark())
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.t.Fatalf("run %s: %v", strings.Join(cmd.Args, " "), err)
	}
	if w.ctx.Err() != nil {
		w.t.Fatalf("%s did not end", strings.Join(cmd.Args, " "))
	}
	return out.String(), complaints.String(), cmd.ProcessState.ExitCode()
}

func ofReceptorctl(entry string) bool { return strings.HasPrefix(entry, "RECEPTORCTL_") }

// ctl runs receptorctl for a node and wants exit status 0.
func (w *world) ctl(n *harness.Node, args ...string) string {
	w.t.Helper()
	stdout, stderr, code := w.run(programs.Receptorctl, append([]string{"--socket", n.Socket}, args...)...)
	if code != 0 {
		w.t.Fatalf("receptorctl %s: exit status %d: %s", strings.Join(args, " "), code, stderr)
	}
	return stdout
}

// logHas waits until the log of a node contains a text.
func (w *world) logHas(n *harness.Node, text string) {
	w.t.Helper()
	w.must(harness.Until(w.ctx, fmt.Sprintf("%q in the log of %s", text, n.ID), func() error {
		log, err := os.ReadFile(n.LogFile)
		if err == nil && !bytes.Contains(log, []byte(text)) {
			err = errors.New(n.LogTail())
		}
		return err
	}))
}

// logLineHas waits until one line of a node's log contains all of these.
func (w *world) logLineHas(n *harness.Node, texts ...string) {
	w.t.Helper()
	w.must(harness.Until(w.ctx, fmt.Sprintf("%q in one line of the log of %s", texts, n.ID), func() error {
		log, err := os.ReadFile(n.LogFile)
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(log)) {
			if !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(line, text) }) {
				return nil
			}
		}
		return errors.New(n.LogTail())
	}))
}

// logCounts wants a text in the log of a node so many times.
func (w *world) logCounts(n *harness.Node, text string, want int) {
	w.t.Helper()
	if got := w.logged(n, text); got != want {
		w.t.Errorf("%q is in the log of %s %d times, want %d:\n%s", text, n.ID, got, want, n.LogTail())
	}
}

// logged is how many times a text is in the log of a node.
func (w *world) logged(n *harness.Node, text string) int {
	w.t.Helper()
	log, err := os.ReadFile(n.LogFile)
	w.must(err)
	return bytes.Count(log, []byte(text))
}

// cpu is the processor time that a node has used so far.
func (w *world) cpu(n *harness.Node) time.Duration {
	w.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n.PID()))
	w.must(err)
	_, after, _ := strings.Cut(string(text), ") ") // the name before may hold blanks
	fields := strings.Fields(after)
	const user, system, perSecond = 11, 12, 100 // of proc(5), counted from the state
	ticks := 0
	for _, field := range []string{fields[user], fields[system]} {
		n, err := strconv.Atoi(field)
		w.must(err)
		ticks += n
	}
	return time.Duration(ticks) * (time.Second / perSecond)
}
