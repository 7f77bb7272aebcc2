package work

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"receptor/actors/work/unit"
	workv1 "receptor/proto/work/v1"
)

func withBar(t *testing.T, f func(w *world, bar *fakeNode)) {
	onStage(t, func(w *world) {
		bar := newFakeNode(t)
		w.cfg.Dial, w.cfg.forceWait = bar.dial, 200*time.Millisecond
		w.up()
		f(w, bar)
		bar.takeDown()
	})
}

// far starts a unit on bar and checks what the client is told.
func (w *world) far(payload, want string) string {
	w.Helper()
	c := w.created("bar", "cat", "-n")
	reply := w.start(c, payload)
	got := fmt.Sprintf("started, pending %v", reply.GetStarted().GetPending())
	if reply.GetRefused() != nil {
		got = reply.GetRefused().GetText()
	}
	if got != want {
		w.Fatalf("start: %q, want %q", got, want)
	}
	return c.GetUnitId()
}

const (
	started = "started, pending false"
	pending = "started, pending true"
)

func running(s *workv1.Status) bool { return s.GetState() == workv1.State_STATE_RUNNING }

func succeed(u *fakeUnit) { u.state, u.detail = unit.Succeeded, "exit status 0" }

func TestRemoteUnit(t *testing.T) {
	for _, old := range []bool{false, true} {
		withBar(t, func(w *world, bar *fakeNode) {
			bar.old = old
			id := w.far("payload", started)
			bar.unit(func(u *fakeUnit) {
				if u.payload != "payload" {
					t.Errorf("the payload is %q", u.payload)
				}
				u.out = []byte("one\n")
			})
			w.awaitStatus(id, running)
			w.until("output flows while the unit runs", func() bool { return w.dir(id).OutputSize() == 4 })
			bar.unit(func(u *fakeUnit) { u.out = append(u.out, "two\n"...); succeed(u) })
			s := w.final(id, unit.Succeeded, "exit status 0")
			if s.GetStdoutSize() != 8 || w.results(id, 0) != "one\ntwo\n" || !strings.Contains(s.GetExtraData(), `"RemoteUnitID":"unit0001","RemoteStarted":true`) {
				t.Errorf("status %v", s)
			}
			w.noActorsLeft()
			if reply := w.release(id, false); reply.GetEnded() == nil || reply.GetEnded().GetPending() || bar.count("units") != 0 {
				t.Errorf("release: %v, left there %d", reply, bar.count("units"))
			}
		})
	}
}

func TestRemoteRefuses(t *testing.T) {
	withBar(t, func(w *world, bar *fakeNode) {
		bar.refuse = "unknown work type cat"
		id := w.far("x", "could not parse response: ERROR: unknown work type cat")
		w.final(id, unit.Failed, "Error starting worker: could not parse response: ERROR: unknown work type cat")
		w.release(id, false)
		if bar.count("release") != 0 {
			t.Error("a unit that never was there was released there")
		}
	})
}

func TestSubmitWhileAway(t *testing.T) {
	withBar(t, func(w *world, bar *fakeNode) {
		bar.takeDown()
		id := w.far("x", pending)
		bar.bringUp()
		w.awaitStatus(id, running)
		bar.unit(succeed)
		w.final(id, unit.Succeeded, "exit status 0")
	})
}

// Whatever breaks, the output arrives once and whole.
func TestOutputResumesAtTheByte(t *testing.T) {
	withBar(t, func(w *world, bar *fakeNode) {
		var want strings.Builder
		for i := range 40_000 {
			fmt.Fprintf(&want, "line %d\n", i)
		}
		id := w.far("x", started)
		bar.change(func() { bar.cutAt = 123_457 })
		bar.unit(func(u *fakeUnit) { u.out = []byte(want.String()[:200_000]) })
		w.until("first part", func() bool { return w.dir(id).OutputSize() == 200_000 })
		bar.takeDown()
		w.down()
		bar.bringUp()
		w.up()
		bar.unit(func(u *fakeUnit) { u.out = []byte(want.String()); succeed(u) })
		w.final(id, unit.Succeeded, "exit status 0")
		if got := w.results(id, 0); got != want.String() {
			t.Errorf("output of %d bytes, want %d", len(got), want.Len())
		}
	})
}

// A stream of results may end although the unit runs on, and the stream of states
// know nothing of it.
func TestResultsThatBreakOffAreAskedForAnew(t *testing.T) {
	withBar(t, func(w *world, bar *fakeNode) {
		want := strings.Repeat("0123456789", 20_000)
		id := w.far("x", started)
		w.awaitStatus(id, running)
		bar.change(func() { bar.endAt = 123_457 })
		bar.unit(func(u *fakeUnit) { u.out = []byte(want) })
		w.until("all of it", func() bool { return w.dir(id).OutputSize() == int64(len(want)) })
		bar.unit(succeed)
		w.final(id, unit.Succeeded, "exit status 0")
		if got := w.results(id, 0); got != want {
			t.Errorf("output of %d bytes, want %d", len(got), len(want))
		}
	})
}

func TestLostAnswerDoesNotDoubleTheUnit(t *testing.T) {
	withBar(t, func(w *world, bar *fakeNode) {
		bar.cutReply = true
		id := w.far("x", pending)
		w.awaitStatus(id, running)
		bar.unit(succeed)
		w.final(id, unit.Succeeded, "exit status 0")
		if bar.count("submit") != 1 || bar.count("units") != 1 {
			t.Errorf("submitted %d times", bar.count("submit"))
		}
	})
}

func TestHalfSubmittedUnitIsReplacedAfterRestart(t *testing.T) {
	withBar(t, func(w *world, bar *fakeNode) {
		w.down()
		r := unit.NewRemote(unit.RemoteData{RemoteNode: "bar", RemoteWorkType: "cat", RemoteUnitID: "halfunit"}).Record
		r.Detail = unit.DetailStarting
		w.plant("submits1", r, "payload")
		bar.change(func() { bar.units["halfunit"] = &fakeUnit{detail: unit.DetailWaiting} })
		w.up()
		w.awaitStatus("submits1", running)
		bar.unit(func(u *fakeUnit) {
			if u.payload != "payload" {
				t.Errorf("the payload is %q", u.payload)
			}
			succeed(u)
		})
		w.final("submits1", unit.Succeeded, "exit status 0")
		if bar.count("units") != 1 || bar.count("release") != 1 {
			t.Errorf("%d units are there", bar.count("units"))
		}
	})
}

func TestRemoteUnitGone(t *testing.T) {
	withBar(t, func(w *world, bar *fakeNode) {
		id := w.far("x", started)
		bar.unit(func(u *fakeUnit) { u.out = []byte("abc") })
		w.until("output", func() bool { return w.dir(id).OutputSize() == 3 })
		bar.takeDown()
		bar.change(func() { clear(bar.units) })
		bar.bringUp()
		s := w.final(id, unit.Failed, unit.DetailGone)
		if s.GetStdoutSize() != 3 || w.results(id, 0) != "abc" {
			t.Errorf("the output is lost: %v", s)
		}
		if w.cancel(id).GetEnded() == nil || w.release(id, false).GetEnded() == nil {
			t.Error("what is gone can't be released")
		}
	})
}

func TestAnnouncedOutputNeverComes(t *testing.T) {
	withBar(t, func(w *world, bar *fakeNode) {
		id := w.far("x", started)
		bar.unit(func(u *fakeUnit) { u.out, u.size = []byte("abc"), 10; succeed(u) })
		w.final(id, unit.Failed, "output is incomplete: the remote node sent 3 of 10 bytes (exit status 0)")
	})
}

func TestRemoteCancel(t *testing.T) {
	for _, old := range []bool{false, true} {
		withBar(t, func(w *world, bar *fakeNode) {
			bar.old = old
			id := w.far("x", started)
			bar.unit(func(u *fakeUnit) { u.out = []byte("abc") })
			w.awaitStatus(id, running)
			if reply := w.cancel(id); reply.GetEnded() == nil || reply.GetEnded().GetPending() {
				t.Errorf("cancel: %v", reply)
			}
			s := w.final(id, unit.Canceled, unit.DetailCanceled)
			if got := w.results(id, 0); got != "abc" || s.GetStdoutSize() != 3 {
				t.Errorf("results %q of %v", got, s)
			}
		})
	}
}

func TestCancelAndReleaseWhileAway(t *testing.T) {
	withBar(t, func(w *world, bar *fakeNode) {
		id := w.far("x", started)
		w.awaitStatus(id, running)
		bar.takeDown()
		if reply := w.cancel(id); !reply.GetEnded().GetPending() {
			t.Errorf("cancel: %v", reply)
		}
		w.down()
		w.up()
		if reply := w.release(id, false); !reply.GetEnded().GetPending() {
			t.Errorf("release: %v", reply)
		}
		r, err := w.dir(id).Read()
		if err != nil || !r.Remote.LocalCancelled || !r.Remote.LocalReleased {
			t.Errorf("not remembered: %+v, %v", r.Remote, err)
		}
		w.down()
		bar.bringUp()
		w.up()
		w.until("released there", func() bool { return bar.count("units") == 0 })
		w.until("released here", func() bool { return len(w.list("").GetUnits().GetUnits()) == 0 })
		if _, err := os.Stat(w.dir(id).Path()); err == nil {
			t.Error("the directory is left")
		}
	})
}

// A cancel is no release, not even after a restart.
func TestCanceledUnitStaysAfterRestart(t *testing.T) {
	withBar(t, func(w *world, bar *fakeNode) {
		id := w.far("x", started)
		w.awaitStatus(id, running)
		bar.takeDown()
		w.cancel(id)
		w.down()
		bar.bringUp()
		w.up()
		w.final(id, unit.Canceled, unit.DetailCanceled)
		if bar.count("release") != 0 || bar.count("units") != 1 {
			t.Error("the canceled unit was released")
		}
	})
}

func TestForceReleaseWhileAway(t *testing.T) {
	withBar(t, func(w *world, bar *fakeNode) {
		id := w.far("x", started)
		bar.takeDown()
		if reply := w.release(id, true); reply.GetEnded() == nil || reply.GetEnded().GetPending() {
			t.Errorf("force-release: %v", reply)
		}
		if len(w.list("").GetUnits().GetUnits()) != 0 {
			t.Error("the unit is left")
		}
	})
}

// Whatever the other node and the own disk do: the local unit goes.
func TestForceReleaseDoesNotWaitForever(t *testing.T) {
	withBar(t, func(w *world, bar *fakeNode) {
		mute, unwritable := w.far("x", started), w.far("x", started)
		bar.change(func() { bar.mute = true })
		begun := time.Now()
		if reply := w.release(mute, true); reply.GetEnded() == nil {
			t.Errorf("force-release: %v", reply)
		}
		if took := time.Since(begun); took < w.cfg.forceWait {
			t.Errorf("the other node was not given its time, but %v", took)
		}
		if err := os.Mkdir(w.dir(unwritable).Path()+"/status.tmp", 0o700); err != nil { // no record can be written
			t.Fatal(err)
		}
		if reply := w.release(unwritable, true); reply.GetEnded() == nil {
			t.Errorf("force-release: %v", reply)
		}
		if left := w.list("").GetUnits().GetUnits(); len(left) != 0 {
			t.Errorf("%v are left", left)
		}
	})
}

// Nor does the node's end help the other one: the force is remembered.
func TestForceReleaseSurvivesARestart(t *testing.T) {
	withBar(t, func(w *world, bar *fakeNode) {
		id := w.far("x", started)
		bar.change(func() { bar.mute = true })
		w.down()
		w.cfg.forceWait = time.Hour
		w.up()
		w.stage.Send(w.pid, &workv1.Release{UnitId: id, Force: true, Access: trusted})
		w.until("the release to be written down", func() bool {
			r, err := w.dir(id).Read()
			return err == nil && r.Remote.LocalReleased
		})
		w.down()
		w.cfg.forceWait = 100 * time.Millisecond
		w.up()
		w.until("the unit to be gone", func() bool { return len(w.list("").GetUnits().GetUnits()) == 0 })
		if _, err := os.Stat(w.dir(id).Path()); err == nil {
			t.Error("the directory is left")
		}
	})
}

func TestCancelBeforeTheStart(t *testing.T) {
	withBar(t, func(w *world, bar *fakeNode) {
		bar.takeDown()
		id := w.far("x", pending)
		if reply := w.cancel(id); reply.GetEnded() == nil || reply.GetEnded().GetPending() {
			t.Errorf("cancel: %v", reply)
		}
		w.final(id, unit.Failed, unit.DetailLocalCancel)
		w.noActorsLeft()
		if w.release(id, false).GetEnded() == nil {
			t.Error("not released")
		}
	})
}

func TestTimeToStartIsOver(t *testing.T) {
	withBar(t, func(w *world, bar *fakeNode) {
		bar.takeDown()
		reply := w.submit(&workv1.Submit{Node: "bar", WorkType: "cat", Ttl: "300ms"})
		w.start(reply.GetCreated(), "x")
		s := w.awaitStatus(reply.GetCreated().GetUnitId(), func(s *workv1.Status) bool { return s.GetState() == workv1.State_STATE_FAILED })
		if !strings.HasPrefix(s.GetDetail(), "Work unit expired on ") || !strings.HasSuffix(s.GetDetail(), "last error: no route to node") {
			t.Errorf("detail is %q", s.GetDetail())
		}
		waits := w.submit(&workv1.Submit{Node: "bar", WorkType: "cat", Ttl: "1ms"}).GetCreated()
		w.awaitStatus(waits.GetUnitId(), func(s *workv1.Status) bool { return s.GetState() == workv1.State_STATE_FAILED })
	})
}

// A clock that is set back gives the unit the time that it was promised.
func TestClockThatIsSetBack(t *testing.T) {
	withBar(t, func(w *world, bar *fakeNode) {
		bar.takeDown()
		c := w.submit(&workv1.Submit{Node: "bar", WorkType: "cat", Ttl: "1h"}).GetCreated()
		w.start(c, "x")
		self := actor.NewPID(w.pid.Address, w.pid.Id+"/"+c.GetUnitId())
		w.stage.Send(self, &workv1.StartExpired{}) // an hour has passed, but the clock says otherwise
		bar.bringUp()
		w.awaitStatus(c.GetUnitId(), running)
		bar.unit(succeed)
		w.final(c.GetUnitId(), unit.Succeeded, "exit status 0")
	})
}
