package work

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"receptor/actors/work/age"
	"receptor/actors/work/unit"
	workv1 "receptor/proto/work/v1"
)

func (w *world) detail(id string) string {
	w.Helper()
	return w.list(id).GetUnits().GetUnits()[0].GetDetail()
}

func (w *world) waits(id string, place int) {
	w.Helper()
	want := fmt.Sprintf("Waiting for a free slot: position %d", place)
	w.until(id+" "+want, func() bool { return w.detail(id) == want })
}

// Units over the limit wait in their order, whatever happens to the daemon.
func TestUnitsWaitForTheirTurn(t *testing.T) {
	onStage(t, func(w *world) {
		dir := t.TempDir()
		order := filepath.Join(dir, "order")
		script := fmt.Sprintf(`-c 'n=$(cat); echo $n >> %[1]s; while [ -d %[2]s -a ! -e %[2]s/$n ]; do sleep 0.02; done'`, order, dir)
		w.cfg.Types = append(w.cfg.Types, CommandType{
			Type: "slow", Command: "sh", Params: script, Limits: Limits{MaxConcurrent: 1, MaxQueued: 4},
		})
		w.up()
		open := func(n string) {
			if err := os.WriteFile(filepath.Join(dir, n), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var ids []string
		for i := range 5 {
			ids = append(ids, w.run("slow", "", fmt.Sprint(i)))
		}
		no := w.submit(&workv1.Submit{Node: "foo", WorkType: "slow"}).GetRefused().GetText()
		if no != "work type slow is busy: 1 units run and 4 wait" {
			t.Errorf("refused with %q", no)
		}
		w.awaitStatus(ids[0], running)
		for i, id := range ids[1:] {
			w.waits(id, i+1)
		}
		w.cancel(ids[2])
		w.final(ids[2], unit.Canceled, unit.DetailCanceled)
		w.waits(ids[3], 2)
		w.down()
		w.up()
		w.waits(ids[1], 1)
		w.waits(ids[3], 2)
		w.waits(ids[4], 3)
		for _, n := range []string{"4", "3", "1", "0"} {
			open(n)
		}
		for _, i := range []int{0, 1, 3, 4} {
			w.final(ids[i], unit.Succeeded, "exit status 0")
		}
		text, err := os.ReadFile(order)
		if err != nil || string(text) != "0\n1\n3\n4\n" {
			t.Errorf("order %q, %v", text, err)
		}
	})
}

func TestTooMuchOutput(t *testing.T) {
	onStage(t, func(w *world) {
		w.cfg.Types = append(w.cfg.Types, CommandType{
			Type: "loud", Command: "sh", AllowRuntimeParams: true, Limits: Limits{MaxOutput: 1000},
		})
		w.up()
		id := w.run("loud", `-c 'sleep 600 & yes'`, "")
		w.final(id, unit.Failed, "output is larger than the limit of 1000 bytes; the command was stopped")
		id = w.run("loud", `-c 'head -c 600 /dev/zero; head -c 600 /dev/zero >&2'`, "")
		s := w.awaitStatus(id, func(s *workv1.Status) bool { return unit.State(s.GetState()).Final() })
		if !strings.HasPrefix(s.GetDetail(), "output is larger than the limit of 1000 bytes") {
			t.Errorf("status %v", s)
		}
		id = w.run("loud", `-c 'head -c 1000 /dev/zero'`, "")
		w.final(id, unit.Succeeded, "exit status 0")
	})
}

func TestFinishedUnitsAreReleased(t *testing.T) {
	onStage(t, func(w *world) {
		w.cfg.Types[0].Retention = 300 * time.Millisecond
		w.up()
		id, kept := w.run("cat", "", "x"), w.run("sh", "-c true", "")
		w.final(id, unit.Succeeded, "exit status 0")
		w.final(kept, unit.Succeeded, "exit status 0")
		w.until("released", func() bool { return w.list(id).GetRefused() != nil })
		if _, err := os.Stat(w.dir(id).Path()); err == nil {
			t.Error("the directory is left")
		}
		if w.list(kept).GetRefused() != nil {
			t.Error("a unit of another type was released")
		}
	})
}

// lookedAt has units released that are too old, and reports whether that one is gone.
func (w *world) lookedAt(id string) bool {
	w.Helper()
	w.stage.Send(w.pid, &workv1.RetentionDue{})
	w.list("")       // after it
	w.noActorsLeft() // that would release the unit
	return w.list(id).GetRefused() != nil
}

// A clock that is set makes no unit old, neither while the daemon runs nor while it is
// down: only time does.
func TestRetentionWhileTheClockIsSet(t *testing.T) {
	onStage(t, func(w *world) {
		var up, ahead atomic.Int64 // what goes by, and by how much the clock was put forward
		w.cfg.clocks = func() age.Reading {
			return age.Reading{Boot: "one", Up: time.Duration(up.Load()), Wall: time.Now().Add(time.Duration(up.Load() + ahead.Load()))}
		}
		w.cfg.AgesFile = filepath.Join(t.TempDir(), "sub", "ages")
		w.cfg.Types[0].Retention = time.Hour
		w.up()
		id := w.run("cat", "", "x")
		w.final(id, unit.Succeeded, "exit status 0")
		w.noActorsLeft()
		kept := func(when string) {
			t.Helper()
			if w.lookedAt(id) {
				t.Fatal("the unit was released early:", when)
			}
		}
		ahead.Add(int64(365 * 24 * time.Hour))
		kept("the clock was set while the daemon ran")
		w.down()
		w.up()
		kept("and it was started again")
		w.down()
		ahead.Add(int64(365 * 24 * time.Hour))
		up.Add(int64(50 * time.Minute))
		w.up()
		kept("the clock was set while the daemon was down")
		w.down()
		up.Add(int64(11 * time.Minute))
		w.up() // what went by before counts, too
		w.stage.Send(w.pid, &workv1.RetentionDue{})
		w.until("released", func() bool { return w.list(id).GetRefused() != nil })
	})
}

// Without a place to remember, or with nonsense there, the retention begins anew.
func TestRetentionWithoutAMemory(t *testing.T) {
	for name, file := range map[string]string{"no file": "", "no folder": "/dev/null/ages", "nonsense": "nonsense"} {
		t.Run(name, func(t *testing.T) {
			onStage(t, func(w *world) {
				w.cfg.AgesFile = file
				if file == "nonsense" {
					w.cfg.AgesFile = filepath.Join(t.TempDir(), file)
					if err := os.WriteFile(w.cfg.AgesFile, []byte(`{"Spans":7}`), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				w.cfg.Types[0].Retention = time.Hour
				w.up()
				id := w.run("cat", "", "x")
				w.final(id, unit.Succeeded, "exit status 0")
				w.noActorsLeft()
				w.down()
				old := time.Now().AddDate(-1, 0, 0)
				if err := os.Chtimes(filepath.Join(w.dir(id).Path(), "status"), old, old); err != nil {
					t.Fatal(err)
				}
				w.up()
				if w.lookedAt(id) {
					t.Error("the unit was released early")
				}
			})
		})
	}
}

// The clocks of this machine go on, and have a name.
func TestClocks(t *testing.T) {
	before := clocks()
	after := clocks()
	if before.Boot == "" || before.Boot != after.Boot || before.Up <= 0 || after.Up < before.Up || time.Since(after.Wall).Abs() > time.Minute {
		t.Errorf("%+v and %+v", before, after)
	}
}

func TestDrain(t *testing.T) {
	onStage(t, func(w *world) {
		w.up()
		id := w.run("sh", `-c 'sleep 1'`, "")
		ask := func(m *workv1.Drain) *workv1.DrainReply { return w.stage.Ask(t, w.pid, m).(*workv1.DrainReply) }
		if no := ask(&workv1.Drain{Access: &workv1.Access{}}).GetRefused(); no == nil {
			t.Error("anybody may drain the node")
		}
		if d := ask(&workv1.Drain{Access: trusted}).GetDrained(); !d.GetDraining() || d.GetUnfinished() != 1 {
			t.Errorf("drained: %v", d)
		}
		no := w.submit(&workv1.Submit{Node: "foo", WorkType: "cat"}).GetRefused().GetText()
		if no != "node is draining: no new work is taken until it is resumed" {
			t.Errorf("refused with %q", no)
		}
		w.final(id, unit.Succeeded, "exit status 0")
		resumed := w.stage.Ask(t, w.pid, &workv1.Resume{Access: trusted}).(*workv1.DrainReply).GetDrained()
		if resumed.GetDraining() || resumed.GetUnfinished() != 0 {
			t.Errorf("resumed: %v", resumed)
		}
		w.final(w.run("cat", "", "x"), unit.Succeeded, "exit status 0")
	})
}

func TestDiskFloor(t *testing.T) {
	onStage(t, func(w *world) {
		w.cfg.MinFreeDisk = 1 << 60
		w.up()
		no := w.submit(&workv1.Submit{Node: "foo", WorkType: "cat"}).GetRefused().GetText()
		if !strings.HasPrefix(no, "not enough free disk space: ") || !strings.HasSuffix(no, "new work needs 1152921504606846976") {
			t.Errorf("refused with %q", no)
		}
	})
}
