package runner

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"receptor/actors/work/process"
	"receptor/actors/work/store"
	"receptor/actors/work/unit"
)

// small is the small program, which the tests use like a daemon; the tests of the
// family have their own program do the same.
var small string

const testVersion = "1.2.3+test"

// The test binary is its own runner, too.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == Flag {
		os.Exit(Main(os.Args[2:]))
	}
	status, err := withSmall(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

// withSmall builds the small program for as long as run takes.
func withSmall(run func() int) (int, error) {
	dir, err := os.MkdirTemp("", "runner-test-")
	if err != nil {
		return 0, err
	}
	small = filepath.Join(dir, "receptor-runner")
	build := exec.Command("go", "build", "-ldflags", "-X main.version="+testVersion, "-o", small, "receptor/cli/receptor-runner")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return 0, errors.Join(fmt.Errorf("build: %w: %s", err, out), os.RemoveAll(dir))
	}
	return run(), os.RemoveAll(dir)
}

func newDir(t *testing.T, payload string) store.Dir {
	t.Helper()
	return newDirIn(t, t.TempDir(), payload)
}

func newDirIn(t *testing.T, dataDir, payload string) store.Dir {
	t.Helper()
	s, err := store.Open(dataDir, "node")
	if err != nil {
		t.Fatal(err)
	}
	r := unit.NewLocal("sh", "").Record
	r.Detail = unit.DetailStarting
	d, err := s.Create("abcdefgh", r, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.Stdin(), []byte(payload), 0o600); err != nil {
		t.Fatal(err)
	}
	return d
}

func start(t *testing.T, d store.Dir, job Job) *Child {
	t.Helper()
	child, err := Start([]string{small}, d, job)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(child.Close)
	return child
}

func wait(t *testing.T, child *Child) {
	t.Helper()
	if err := child.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := child.Reap(); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, d store.Dir) unit.Record {
	t.Helper()
	r, err := d.Read()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// until polls with a deadline.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatal("never:", what)
		}
		<-tick.C
	}
}

func content(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestEnds(t *testing.T) {
	cases := []struct {
		name   string
		job    Job
		state  unit.State
		detail string
		stdout string
	}{
		{"success", Job{Command: "cat"}, unit.Succeeded, "exit status 0", "payload"},
		{"arguments", Job{Command: "printf", Params: `'%s|' a 'b c' "d \"e\"" f\ g # a comment`}, unit.Succeeded,
			"exit status 0", `a|b c|d "e"|f g|`},
		{"failure with a reason", Job{Command: "sh", Params: `-c 'echo out; echo one >&2; echo two >&2; exit 3'`}, unit.Failed,
			"exit status 3: one; two", "out\n"},
		{"killed by itself", Job{Command: "sh", Params: `-c 'kill -9 $$'`}, unit.Failed, "signal: killed", ""},
		{"no program", Job{Command: "no-such-binary"}, unit.Failed,
			`exec: "no-such-binary": executable file not found in $PATH`, ""},
		{"open quote", Job{Command: "sh", Params: "-c 'x"}, unit.Failed, "EOF found when expecting closing quote", ""},
		{"open escape", Job{Command: "sh", Params: `x\`}, unit.Failed, "EOF found after escape character", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d := newDir(t, "payload")
			wait(t, start(t, d, c.job))
			r := read(t, d)
			if r.State != c.state || r.Detail != c.detail || r.Local != nil || r.WorkType != "sh" {
				t.Errorf("ended as %+v", r)
			}
			if r.StdoutSize != int64(len(c.stdout)) {
				t.Errorf("output of %d bytes", r.StdoutSize)
			}
			if c.stdout != "" && content(t, d.Stdout()) != c.stdout {
				t.Errorf("output %q", content(t, d.Stdout()))
			}
		})
	}
}

// One child ignores the signal, one has a group of its own, and one a session of its
// own, into which it has stolen away from its parent.
const family = `-c 'sleep 100 & (trap "" INT; sleep 100) & (setsid -f sleep 100); set -m; sleep 100 & echo ready; wait'`

func TestStopEndsEverybody(t *testing.T) {
	for _, canceled := range []bool{true, false} {
		d := newDir(t, "")
		child := start(t, d, Job{Command: "sh", Params: family, Grace: 200 * time.Millisecond})
		until(t, "the command runs", func() bool { return d.OutputSize() > 0 })
		want := unit.DetailKilled
		if canceled {
			want = unit.DetailCanceled
			if err := d.MarkCancelled(); err != nil {
				t.Fatal(err)
			}
		}
		var members []process.Identity
		until(t, "everybody lives", func() bool {
			var err error
			if members, err = process.Below(child.Identity); err != nil {
				t.Fatal(err)
			}
			return len(members) >= 5
		})
		if err := child.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		wait(t, child)
		if r := read(t, d); r.Detail != want || r.StdoutSize != int64(len("ready\n")) {
			t.Errorf("ended as %+v", r)
		}
		for _, m := range members {
			if m.Alive() {
				t.Errorf("%v is left", m)
			}
		}
	}
}

func TestPoliteCommandsAreNotKilled(t *testing.T) {
	d := newDir(t, "")
	child := start(t, d, Job{Command: "sh", Params: `-c 'trap "echo bye; exit 0" INT; echo ready; while :; do sleep 0.01; done'`})
	until(t, "the command runs", func() bool { return d.OutputSize() > 0 })
	if err := child.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	wait(t, child)
	if text := content(t, d.Stdout()); text != "ready\nbye\n" {
		t.Errorf("output %q", text)
	}
}

func TestStoppedCommandsMaySayGoodbye(t *testing.T) {
	d := newDir(t, "")
	child := start(t, d, Job{Command: "sh", Params: `-c 'trap "echo bye; exit 0" INT; echo ready; while :; do sleep 0.01; done'`})
	until(t, "the command runs", func() bool { return d.OutputSize() > 0 })
	who, _, err := ReadProcesses(d)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(who.Command.Pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := child.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	wait(t, child)
	if text := content(t, d.Stdout()); text != "ready\nbye\n" {
		t.Errorf("output %q", text)
	}
}

// smallDisk has a unit on a file system of its own, which fill leaves no room in.
func smallDisk(t *testing.T) (d store.Dir, fill func()) {
	t.Helper()
	mnt := t.TempDir()
	if err := syscall.Mount("tmpfs", mnt, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("mount: %v: the full disk is not tested", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(mnt, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	fill = func() {
		if err := os.WriteFile(filepath.Join(mnt, "fill"), make([]byte, 1<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
			t.Error("the disk is not full:", err)
		}
	}
	return newDirIn(t, mnt, ""), fill
}

func TestRunnerThatCantSayWhoItIs(t *testing.T) {
	d, fill := smallDisk(t)
	fill()
	wait(t, start(t, d, Job{Command: "true"}))
	const begin, end = "Failed to start command runner: ", "no space left on device"
	if r := read(t, d); r.State != unit.Failed || !strings.HasPrefix(r.Detail, begin) || !strings.HasSuffix(r.Detail, end) {
		t.Errorf("ended as %+v", r)
	}
}

// Shells don't look whether what they say is taken.
func TestOutputThatFoundNoRoomIsNotedWithSuccess(t *testing.T) {
	d, fill := smallDisk(t)
	flag := t.TempDir() + "/go"
	child := start(t, d, Job{Command: "sh", Params: `-c 'while [ ! -e "$0" ]; do sleep 0.01; done; echo lost; exit 0' ` + flag})
	until(t, "the command runs", func() bool {
		who, known, err := ReadProcesses(d)
		return err == nil && known && who.Command.Pid != 0
	})
	fill()
	if err := os.WriteFile(flag, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wait(t, child)
	const want = "exit status 0: no space left on device, output may be incomplete"
	if r := read(t, d); r.State != unit.Succeeded || r.Detail != want {
		t.Errorf("ended as %+v", r)
	}
}

func TestRunningIsShown(t *testing.T) {
	d := newDir(t, "")
	child := start(t, d, Job{Command: "sleep", Params: "98.765"})
	until(t, "running", func() bool { return read(t, d).State == unit.Running })
	who, known, err := ReadProcesses(d)
	if err != nil || !known || who.Runner != child.Identity || !who.Command.Alive() {
		t.Errorf("run by %+v, %v, %v", who, known, err)
	}
	if r := read(t, d); !strings.HasPrefix(r.Detail, "Running: PID ") || r.Local.Pid != child.Identity.Pid || r.Local.Params != "98.765" {
		t.Errorf("shown as %+v", r)
	}
	if args := content(t, fmt.Sprintf("/proc/%d/cmdline", child.Identity.Pid)); strings.Contains(args, "98.765") {
		t.Errorf("the process list shows %q", args)
	}
	if err := child.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	wait(t, child)
}

func TestAUnitRunsOnce(t *testing.T) {
	d := newDir(t, "")
	first := start(t, d, Job{Command: "sh", Params: `-c 'echo once; sleep 100'`})
	until(t, "the command runs", func() bool { return d.OutputSize() > 0 })
	wait(t, start(t, d, Job{Command: "echo", Params: "twice"})) // while it runs
	if err := first.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	wait(t, first)
	wait(t, start(t, d, Job{Command: "echo", Params: "twice"})) // after its runner is lost
	if text := content(t, d.Stdout()); text != "once\n" {
		t.Errorf("output %q", text)
	}
	if _, err := process.SignalBelow(first.Identity, syscall.SIGKILL); err != nil {
		t.Error(err)
	}
}

func TestReleasedUnitDoesNotHoldItsRunner(t *testing.T) {
	d := newDir(t, "")
	child := start(t, d, Job{Command: "sh", Params: `-c 'sleep 0.2'`})
	until(t, "the command runs", func() bool {
		who, known, err := ReadProcesses(d)
		return err == nil && known && who.Command.Pid != 0
	})
	if err := d.Remove(); err != nil {
		t.Fatal(err)
	}
	wait(t, child)
}

func TestMainNeedsADirectory(t *testing.T) {
	if code := Main(nil); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
}
