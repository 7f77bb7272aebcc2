package work

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"receptor/actors/work/process"
	"receptor/actors/work/runner"
	"receptor/actors/work/unit"
	workv1 "receptor/proto/work/v1"
)

func TestLocalUnit(t *testing.T) {
	onStage(t, func(w *world) {
		w.up()
		payload := strings.Repeat("payload\n", 100_000)
		id := w.run("cat", "", payload)
		if got := w.results(id, 0); got != payload {
			t.Errorf("results of %d bytes", len(got))
		}
		s := w.final(id, unit.Succeeded, "exit status 0")
		if s.GetStdoutSize() != int64(len(payload)) || s.GetExtraData() != "null" || s.GetWorkType() != "cat" {
			t.Errorf("status is %v", s)
		}
		if got := w.results(id, 8); got != payload[8:] {
			t.Errorf("results from 8 on of %d bytes", len(got))
		}
		if got := w.results(id, 1<<30); got != "" {
			t.Errorf("results beyond the end: %q", got)
		}
		w.noActorsLeft()
		if reply := w.cancel(id); reply.GetEnded() == nil || reply.GetEnded().GetPending() {
			t.Errorf("cancel of a finished unit: %v", reply)
		}
		if reply := w.release(id, false); reply.GetEnded() == nil {
			t.Errorf("release: %v", reply)
		}
		if _, err := os.Stat(w.dir(id).Path()); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the directory is left: %v", err)
		}
		if reply := w.release(id, true); reply.GetRefused().GetText() != "unknown work unit "+id {
			t.Errorf("a second release: %v", reply)
		}
		if units := w.list("").GetUnits().GetUnits(); len(units) != 0 {
			t.Errorf("left are %v", units)
		}
	})
}

func TestOutputFlowsWhileTheUnitRuns(t *testing.T) {
	onStage(t, func(w *world) {
		w.up()
		id := w.run("sh", `-c 'echo first; read x < /dev/stdin; sleep 100'`, "go\n")
		out, in := io.Pipe()
		ended := make(chan error, 1)
		go func() { ended <- w.cfg.Feeds.CopyResults(t.Context(), id, 0, in) }()
		line := make([]byte, 6)
		if _, err := io.ReadFull(out, line); err != nil || string(line) != "first\n" {
			t.Errorf("read %q, %v", line, err)
		}
		w.awaitStatus(id, func(s *workv1.Status) bool { return s.GetState() == workv1.State_STATE_RUNNING })
		if s := w.list(id).GetUnits().GetUnits()[0]; s.GetStdoutSize() != 6 || !strings.Contains(s.GetExtraData(), `"Params":"-c `) {
			t.Errorf("status is %v", s)
		}
		w.cancel(id)
		if err := <-ended; err != nil {
			t.Errorf("results of a canceled unit: %v", err)
		}
		w.final(id, unit.Canceled, unit.DetailCanceled)
	})
}

func TestRefusals(t *testing.T) {
	untrusted := func(signature string) *workv1.Access { return &workv1.Access{Signature: signature} }
	cases := []struct {
		name string
		m    *workv1.Submit
		want string
	}{
		{"type", &workv1.Submit{Node: "foo", WorkType: "nosuch"}, "unknown work type nosuch"},
		{"remote here", &workv1.Submit{Node: "foo", WorkType: "remote"}, "unknown work type remote"},
		{"params", &workv1.Submit{Node: "LOCALHOST", WorkType: "cat", Params: map[string]string{"params": "x"}},
			"extra params provided but not allowed"},
		{"ttl here", &workv1.Submit{Node: "foo", WorkType: "cat", Ttl: "5s"}, "ttl option is intended for remote work only"},
		{"ttl", &workv1.Submit{Node: "bar", WorkType: "cat", Ttl: "abc"}, `time: invalid duration "abc" (ttl is written like 30s, 10m or 1h20m30s)`},
		{"no node", &workv1.Submit{WorkType: "cat"}, "work submit requires a target node and work type"},
		{"secret", &workv1.Submit{Node: "bar", WorkType: "cat", Params: map[string]string{"SECRET_x": "s"}},
			"cannot send secrets over a non-TLS connection"},
		{"not signed", &workv1.Submit{Node: "foo", WorkType: "signed", Access: untrusted("")},
			"could not verify signature: signature is empty"},
		{"signed", &workv1.Submit{Node: "bar", WorkType: "signed", Access: untrusted("x.y.z")},
			"could not verify signature: verifying key not specified"},
		{"signed for nothing", &workv1.Submit{Node: "foo", WorkType: "cat", Access: untrusted("x.y.z")},
			"work type did not expect a signature"},
	}
	onStage(t, func(w *world) {
		w.up()
		for _, c := range cases {
			if got := w.submit(c.m).GetRefused().GetText(); got != c.want {
				t.Errorf("%s: got %q, want %q", c.name, got, c.want)
			}
		}
		if _, err := os.Stat(w.cfg.DataDir + "/foo"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("refused units left something: %v", err)
		}
		for _, id := range []string{"nope", "../..", ""} {
			if got := w.cancel(id).GetRefused().GetText(); got != "unknown work unit "+id {
				t.Errorf("cancel %q: %q", id, got)
			}
		}
		if got := w.list("../..").GetRefused().GetText(); got != "unknown work unit ../.." {
			t.Errorf("status: %q", got)
		}
	})
}

func TestSignedUnits(t *testing.T) {
	onStage(t, func(w *world) {
		w.up()
		id := w.run("signed", "", "x")
		w.final(id, unit.Succeeded, "exit status 0")
		const want = "could not verify signature: signature is empty"
		release := w.stage.Ask(t, w.pid, &workv1.Release{UnitId: id}).(*workv1.EndReply)
		results := w.stage.Ask(t, w.pid, &workv1.GetResults{UnitId: id}).(*workv1.GetResultsReply)
		if release.GetRefused().GetText() != want || results.GetRefused().GetText() != want {
			t.Errorf("a stranger got %v and %v", release, results)
		}
		granted := w.stage.Ask(t, w.pid, &workv1.GetResults{UnitId: id, Access: trusted}).(*workv1.GetResultsReply)
		if granted.GetGranted() == nil || w.release(id, false).GetEnded() == nil {
			t.Error("a session on a Unix socket was refused")
		}
	})
}

func TestPayloadPhase(t *testing.T) {
	onStage(t, func(w *world) {
		w.up()
		broken := w.created("foo", "cat", "")
		w.awaitStatus(broken.GetUnitId(), func(s *workv1.Status) bool { return s.GetDetail() == unit.DetailWaiting })
		w.stage.Ask(t, w.pid, &workv1.Start{UnitId: broken.GetUnitId(), InputError: "reset"})
		w.final(broken.GetUnitId(), unit.Failed, "Error reading input data: reset")

		canceled := w.created("foo", "cat", "")
		if w.cancel(canceled.GetUnitId()).GetEnded() == nil {
			t.Error("not canceled")
		}
		if got := w.start(canceled, "x").GetRefused().GetText(); got != "work unit ended before it was started" {
			t.Errorf("start of a canceled unit: %q", got)
		}
		w.final(canceled.GetUnitId(), unit.Canceled, unit.DetailCanceled)

		released := w.created("foo", "cat", "")
		if w.release(released.GetUnitId(), false).GetEnded() == nil {
			t.Error("not released")
		}
		reply := w.stage.Ask(t, w.pid, &workv1.Start{UnitId: released.GetUnitId()}).(*workv1.StartReply)
		if reply.GetRefused().GetText() != "unknown work unit "+released.GetUnitId() {
			t.Errorf("start of a released unit: %v", reply)
		}
	})
}

func TestRunnerCantBeStarted(t *testing.T) {
	onStage(t, func(w *world) {
		w.cfg.Runner = []string{"/nonexistent/receptor"}
		w.up()
		c := w.created("foo", "cat", "")
		const want = "Failed to start command runner: fork/exec /nonexistent/receptor: no such file or directory"
		if got := w.start(c, "").GetRefused().GetText(); got != want {
			t.Errorf("start: %q", got)
		}
		w.final(c.GetUnitId(), unit.Failed, want)
	})
}

func TestCancelEndsGrandchildren(t *testing.T) {
	onStage(t, func(w *world) {
		w.up()
		id := w.run("sh", `-c 'sleep 100 & sleep 100 & echo ready; wait'`, "")
		w.until("the command runs", func() bool { return w.dir(id).OutputSize() > 0 })
		who := w.runner(id)
		if reply := w.cancel(id); reply.GetEnded() == nil || reply.GetEnded().GetPending() {
			t.Errorf("cancel: %v", reply)
		}
		w.final(id, unit.Canceled, unit.DetailCanceled)
		w.nobodyLeft(who)
	})
}

func TestReleaseEndsTheCommandAndItsReaders(t *testing.T) {
	onStage(t, func(w *world) {
		w.up()
		id := w.run("sh", `-c 'echo ready; exec sleep 100'`, "")
		w.until("the command runs", func() bool { return w.dir(id).OutputSize() > 0 })
		who := w.runner(id)
		ended := make(chan error, 1)
		go func() { ended <- w.cfg.Feeds.WatchStatus(t.Context(), id, func(*workv1.Status) error { return nil }) }()
		if reply := w.release(id, false); reply.GetEnded() == nil {
			t.Errorf("release: %v", reply)
		}
		if err := <-ended; err != nil && !errors.Is(err, ErrReleased) && !errors.Is(err, ErrUnknownUnit) {
			t.Errorf("the watcher ended with %v", err)
		}
		w.nobodyLeft(who)
		if err := w.cfg.Feeds.CopyResults(t.Context(), id, 0, io.Discard); !errors.Is(err, ErrUnknownUnit) {
			t.Errorf("results of a released unit: %v", err)
		}
	})
}

func TestResultsReaderLeaves(t *testing.T) {
	onStage(t, func(w *world) {
		w.up()
		id := w.run("sh", `-c 'exec sleep 100'`, "")
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.cfg.Feeds.CopyResults(ctx, id, 0, io.Discard) }()
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
		w.cancel(id)
	})
}

// runner is who runs a unit.
func (w *world) runner(id string) process.Identity {
	w.Helper()
	p, known, err := runner.ReadProcesses(w.dir(id))
	if err != nil || !known {
		w.Fatalf("nobody runs %s: %v", id, err)
	}
	return p.Runner
}

func (w *world) nobodyLeft(who process.Identity) {
	w.Helper()
	if left, err := process.Below(who); err != nil || len(left) > 0 || who.Alive() {
		w.Errorf("left of %v: %v, %v", who, left, err)
	}
}

func (w *world) kill(who process.Identity) {
	w.Helper()
	h, err := process.Open(who)
	if err != nil {
		w.Fatal(err)
	}
	defer h.Close()
	if err := h.Signal(syscall.SIGKILL); err != nil {
		w.Fatal(err)
	}
}
