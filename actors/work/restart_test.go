package work

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"receptor/actors/work/process"
	"receptor/actors/work/runner"
	"receptor/actors/work/store"
	"receptor/actors/work/unit"
	workv1 "receptor/proto/work/v1"
)

func TestRunnerKilled(t *testing.T) {
	onStage(t, func(w *world) {
		w.up()
		id := w.run("sh", `-c 'echo ready; sleep 100 & wait'`, "")
		w.until("the command runs", func() bool { return w.dir(id).OutputSize() > 0 })
		who := w.runner(id)
		w.kill(who)
		s := w.final(id, unit.Failed, unit.DetailRunnerLost)
		if s.GetStdoutSize() != 6 {
			t.Errorf("output of %d bytes", s.GetStdoutSize())
		}
		w.nobodyLeft(who)
		if got := w.results(id, 0); got != "ready\n" {
			t.Errorf("results %q", got)
		}
	})
}

func TestRestartFindsItsUnits(t *testing.T) {
	onStage(t, func(w *world) {
		w.up()
		waits := w.created("foo", "cat", "").GetUnitId()
		ended := w.run("cat", "", "abc")
		w.final(ended, unit.Succeeded, "exit status 0")
		ends := w.run("sh", `-c 'echo one; while [ ! -e "$0" ]; do sleep 0.01; done; echo two' `+t.TempDir()+`/go`, "")
		lost := w.run("sh", `-c 'echo one; exec sleep 100'`, "")
		canceled := w.run("sh", `-c 'echo one; exec sleep 100'`, "")
		for _, id := range []string{ends, lost, canceled} {
			w.awaitStatus(id, func(s *workv1.Status) bool { return s.GetState() == workv1.State_STATE_RUNNING })
		}
		w.down()
		w.kill(w.runner(lost))
		w.up()

		w.final(waits, unit.Failed, unit.DetailAtRestart)
		w.final(ended, unit.Succeeded, "exit status 0")
		w.final(lost, unit.Failed, unit.DetailRunnerLost)
		w.cancel(canceled)
		w.final(canceled, unit.Canceled, unit.DetailCanceled)

		r, err := w.dir(ends).Read()
		if err != nil {
			t.Fatal(err)
		}
		flag := r.Local.Params[strings.LastIndex(r.Local.Params, " ")+1:]
		if err := os.WriteFile(flag, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		w.final(ends, unit.Succeeded, "exit status 0")
		if got := w.results(ends, 0); got != "one\ntwo\n" {
			t.Errorf("results %q", got)
		}
		w.noActorsLeft()
	})
}

func TestRestartSeesWhatEndedMeanwhile(t *testing.T) {
	onStage(t, func(w *world) {
		w.up()
		id := w.run("sh", `-c 'echo one; sleep 0.5; exit 4'`, "")
		w.until("the command runs", func() bool { return w.dir(id).OutputSize() > 0 })
		w.down()
		w.until("the end is on disk", func() bool {
			r, err := w.dir(id).Read()
			return err == nil && r.State.Final()
		})
		w.up()
		w.final(id, unit.Failed, "exit status 4")
	})
}

// plant makes a unit as an earlier daemon left it.
func (w *world) plant(id string, r unit.Record, payload string) store.Dir {
	w.Helper()
	s, err := store.Open(w.cfg.DataDir, w.cfg.NodeID)
	if err != nil {
		w.Fatal(err)
	}
	d, err := s.Create(id, r, "")
	if err != nil {
		w.Fatal(err)
	}
	if err := os.WriteFile(d.Stdin(), []byte(payload), 0o600); err != nil {
		w.Fatal(err)
	}
	return d
}

func TestCompletePayloadIsStartedAfterRestart(t *testing.T) {
	onStage(t, func(w *world) {
		r := unit.NewLocal("cat", "").Record
		r.Detail = unit.DetailStarting
		w.plant("starting", r, "abc")
		r.WorkType = "notype"
		w.plant("stranger", r, "abc")
		w.up()
		w.final("starting", unit.Succeeded, "exit status 0")
		if got := w.results("starting", 0); got != "abc" {
			t.Errorf("results %q", got)
		}
		w.final("stranger", unit.Failed, "Failed to start command runner: unknown work type notype")
	})
}

// A runner that an earlier daemon started in its last moment has the unit, and
// ours leaves.
func TestRunnerOfADaemonThatJustDied(t *testing.T) {
	onStage(t, func(w *world) {
		other := exec.CommandContext(t.Context(), "sleep", "100")
		if err := other.Start(); err != nil {
			t.Fatal(err)
		}
		who, err := process.Of(other.Process.Pid)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(runner.Processes{Runner: who})
		if err != nil {
			t.Fatal(err)
		}
		r := unit.NewLocal("cat", "").Record
		r.Detail = unit.DetailStarting
		d := w.plant("starting", r, "abc")
		w.cfg.Runner = []string{"/bin/sh", "-c", `printf %s "$0" > ` + d.RunnerFile(), string(text)}
		w.up()
		w.until("the other runner is known", func() bool {
			_, known, err := runner.ReadProcesses(d)
			return known && err == nil
		})
		if err := d.Save(unit.Record{State: unit.Succeeded, Detail: "exit status 0", WorkType: "cat"}); err != nil {
			t.Fatal(err)
		}
		w.kill(who)
		w.final("starting", unit.Succeeded, "exit status 0")
		var exit *exec.ExitError
		if err := other.Wait(); err != nil && !errors.As(err, &exit) {
			t.Log("reaped by its unit:", err)
		}
	})
}

func TestUnreadableUnitsAreSetAside(t *testing.T) {
	onStage(t, func(w *world) {
		d := w.plant("cutcutcu", unit.NewLocal("cat", "").Record, "")
		if err := os.Truncate(d.Path()+"/status", 20); err != nil {
			t.Fatal(err)
		}
		pod := unit.Record{State: unit.Running, Detail: "Pod Running", WorkType: "pod", Other: []byte(`{"Image":"x"}`)}
		w.plant("podpodpo", pod, "")
		w.up()
		s := w.final("cutcutcu", unit.Failed, "Failed to restart: unexpected end of JSON input")
		if s.GetExtraData() != unit.UnknownType {
			t.Errorf("shown with %s", s.GetExtraData())
		}
		if other := w.list("podpodpo").GetUnits().GetUnits()[0]; other.GetExtraData() != unit.UnknownType || other.GetState() != 1 {
			t.Errorf("shown as %v", other)
		}
		for _, id := range []string{"cutcutcu", "podpodpo"} {
			if w.cancel(id).GetEnded() == nil || w.release(id, false).GetEnded() == nil {
				t.Errorf("%s can't be released", id)
			}
		}
		if units := w.list("").GetUnits().GetUnits(); len(units) > 0 {
			t.Errorf("left are %v", units)
		}
	})
}

// A unit that can't write its record starts again from what is on disk.
func TestDirectoryTakenAway(t *testing.T) {
	onStage(t, func(w *world) {
		w.up()
		for _, node := range []string{"foo", "bar"} {
			c := w.created(node, "cat", "")
			if err := w.dir(c.GetUnitId()).Remove(); err != nil {
				t.Fatal(err)
			}
			reply := w.stage.Ask(t, w.pid, &workv1.Start{UnitId: c.GetUnitId()}).(*workv1.StartReply)
			if !strings.Contains(reply.GetRefused().GetText(), "no such file or directory") {
				t.Errorf("start for %s: %v", node, reply)
			}
			w.final(c.GetUnitId(), unit.Failed, unit.DirectoryGone(w.dir(c.GetUnitId()).Path()))
			if w.cancel(c.GetUnitId()).GetEnded() == nil || w.results(c.GetUnitId(), 0) != "" {
				t.Errorf("unit for %s: cancel or results fail", node)
			}
			if w.release(c.GetUnitId(), true).GetEnded() == nil {
				t.Errorf("not released: unit for %s", node)
			}
		}
	})
}

// Somebody removes the directory of a unit that runs: who waits for it learns that.
func TestDirectoryOfARunningUnitTakenAway(t *testing.T) {
	onStage(t, func(w *world) {
		w.up()
		flag := t.TempDir() + "/go"
		id := w.run("sh", `-c 'echo ready; while [ ! -e "$0" ]; do sleep 0.01; done' `+flag, "")
		w.awaitStatus(id, func(s *workv1.Status) bool { return s.GetState() == workv1.State_STATE_RUNNING })
		ended := make(chan error, 1)
		go func() { ended <- w.cfg.Feeds.CopyResults(t.Context(), id, 0, io.Discard) }()
		must(t, os.RemoveAll(w.dir(id).Path()))
		must(t, os.WriteFile(flag, nil, 0o600))
		if s := w.final(id, unit.Failed, unit.DirectoryGone(w.dir(id).Path())); s.GetWorkType() != "sh" {
			t.Errorf("shown as %v", s)
		}
		must(t, <-ended)
		w.noActorsLeft()
		if w.release(id, false).GetEnded() == nil {
			t.Error("not released")
		}
		done := w.run("cat", "", "abc")
		w.final(done, unit.Succeeded, "exit status 0")
		w.noActorsLeft()
		must(t, os.RemoveAll(w.dir(done).Path()))
		if w.cancel(done).GetEnded() == nil {
			t.Error("a unit that had ended can't be canceled")
		}
		if s := w.final(done, unit.Succeeded, "exit status 0"); s.GetWorkType() != "cat" {
			t.Errorf("shown as %v", s)
		}
	})
}

// A runner of the existing system stops its child and nobody else, and leaves.
const oldRunner = `cd "${1#unitdir=}"; sleep 100 & echo $! > left; ` +
	`trap "cat killed > status; exit 255" INT; ` +
	`touch ready; while :; do sleep 0.01; done`

func TestRunnerOfTheExistingSystemLeavesNobody(t *testing.T) {
	onStage(t, func(w *world) {
		d := w.plant("oldruns2", unit.Record{State: unit.Pending, Detail: unit.DetailNotStarted, WorkType: "cat"}, "")
		killed, err := unit.Record{State: unit.Failed, Detail: unit.DetailKilled, WorkType: "cat"}.Encode()
		must(t, err)
		must(t, os.WriteFile(d.Path()+"/killed", killed, 0o600))
		old := exec.Command("sh", "-c", oldRunner, "sh", "unitdir="+d.Path())
		old.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		must(t, old.Start())
		w.until("it is ready", func() bool { _, err := os.Stat(d.Path() + "/ready"); return err == nil })
		text, err := os.ReadFile(d.Path() + "/left")
		must(t, err)
		number, err := strconv.Atoi(strings.TrimSpace(string(text)))
		must(t, err)
		left, err := process.Of(number)
		must(t, err)
		must(t, d.Save(unit.Record{
			State: unit.Running, Detail: "Running: PID 1", WorkType: "cat", Local: &unit.LocalData{Pid: old.Process.Pid},
		}))
		w.up()
		w.cancel("oldruns2")
		w.final("oldruns2", unit.Canceled, unit.DetailCanceled)
		if left.Alive() {
			t.Error("canceled, and what it ran goes on")
		}
		_ = old.Wait() // reaped by its unit, or not
	})
}

// Nobody has to wake a runner that was stopped, to cancel its unit.
func TestRunnerThatWasStopped(t *testing.T) {
	onStage(t, func(w *world) {
		w.up()
		id := w.run("sh", `-c 'echo ready; sleep 100'`, "")
		w.until("the command runs", func() bool { return w.dir(id).OutputSize() > 0 })
		h, err := process.Open(w.runner(id))
		must(t, err)
		defer h.Close()
		must(t, h.Signal(syscall.SIGSTOP))
		if w.cancel(id).GetEnded() == nil {
			t.Error("not canceled")
		}
		w.final(id, unit.Canceled, unit.DetailCanceled)
	})
}

// A directory that can't be removed is tried again, and whoever waits is told why.
func TestDirectoryThatStays(t *testing.T) {
	onStage(t, func(w *world) {
		w.up()
		id := w.run("cat", "", "kept")
		w.final(id, unit.Succeeded, "exit status 0")
		free := w.hold(id)
		if text := w.release(id, false).GetRefused().GetText(); !strings.Contains(text, id) {
			t.Errorf("release: %q", text)
		}
		free() // before anything can fail
		if s := w.list(id).GetUnits().GetUnits(); len(s) != 1 {
			t.Errorf("the unit is not listed any more: %v", s)
		}
		if w.release(id, false).GetEnded() == nil {
			t.Error("not released")
		}
	})
}

// hold keeps the directory of a unit from being removed, also by root.
func (w *world) hold(id string) (free func()) {
	w.Helper()
	dir := w.dir(id).Path()
	if os.Getuid() != 0 {
		must(w.T, os.Chmod(dir, 0o500)) //nolint:gosec // it is a directory
		return func() { must(w.T, os.Chmod(w.remains(id), 0o700)) }
	}
	must(w.T, os.Mkdir(filepath.Join(dir, "held"), 0o700))
	if err := syscall.Mount("tmpfs", filepath.Join(dir, "held"), "tmpfs", 0, "size=4k"); err != nil {
		w.Skipf("mount: %v: a directory that can't be removed is not tested", err)
	}
	return func() { must(w.T, syscall.Unmount(filepath.Join(w.remains(id), "held"), syscall.MNT_DETACH)) }
}

// remains is where the directory of a unit is while it is removed.
func (w *world) remains(id string) string {
	w.Helper()
	found, err := filepath.Glob(filepath.Join(filepath.Dir(w.dir(id).Path()), ".part-"+id))
	if err != nil || len(found) != 1 {
		w.Fatalf("the remains of %s are %v, %v", id, found, err)
	}
	return found[0]
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
