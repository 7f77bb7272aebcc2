package work

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"receptor/actors/work/pod"
	"receptor/actors/work/unit"
	workv1 "receptor/proto/work/v1"
)

// inCluster is a world with a type of work "k" in a cluster that is not real; what
// is tested with a real one is in test/k8s.
func inCluster(t *testing.T, f func(w *world, c *fakeCluster)) {
	onStage(t, func(w *world) {
		c := newFakeCluster(w.T)
		defer c.close()
		file := filepath.Join(t.TempDir(), "kubeconfig")
		if err := os.WriteFile(file, []byte(c.config()), 0o600); err != nil {
			t.Fatal(err)
		}
		w.cfg.Kube = []KubeType{{Type: "k", Image: "i", Auth: AuthKubeconfig, ConfigFile: file, AllowRuntimeParams: true}}
		f(w, c)
		w.down()
	})
}

// manyLines is text of many lines, with none of them twice.
func manyLines(lines int) string {
	var b strings.Builder
	for i := range lines {
		fmt.Fprintf(&b, "line %d %s\n", i, strings.Repeat("x", i%37))
	}
	return b.String()
}

func TestLogThatBreaksOff(t *testing.T) {
	for name, set := range map[string]func(c *fakeCluster){
		"cut":                func(c *fakeCluster) { c.cutLog = 701 },
		"ends too early":     func(c *fakeCluster) { c.cutLog, c.orderly = 701, true },
		"old server":         func(c *fakeCluster) { c.cutLog, c.version = 701, "v1.22.0" },
		"old, ends early":    func(c *fakeCluster) { c.cutLog, c.orderly, c.version = 701, true, "v1.22.0" },
		"nothing goes wrong": func(*fakeCluster) {},
	} {
		t.Run(name, func(t *testing.T) {
			inCluster(t, func(w *world, c *fakeCluster) {
				set(c)
				w.up()
				text := manyLines(60)
				id := w.run("k", "", text)
				w.final(id, unit.Succeeded, "Finished")
				if got := w.results(id, 0); got != text {
					t.Errorf("output is %q", got)
				}
				w.noActorsLeft()
			})
		})
	}
}

func TestLogThatIsNotAll(t *testing.T) {
	const end = "container ended with exit code 0; output may be incomplete: the "
	for name, c := range map[string]struct {
		set  func(c *fakeCluster)
		want string
	}{
		"rotated": {func(c *fakeCluster) { c.cutLog, c.forget = 300, 0 }, "log was rotated"},
		"refused": {func(c *fakeCluster) { c.noLog = "unable to retrieve container logs for containerd://1\n" }, "end of the log can't be had"},
	} {
		t.Run(name, func(t *testing.T) {
			inCluster(t, func(w *world, fake *fakeCluster) {
				c.set(fake)
				fake.held = true
				w.up()
				id := w.run("k", "", manyLines(60))
				w.awaitStatus(id, func(s *workv1.Status) bool { return s.GetDetail() == "Pod Running" })
				fake.change(func() {
					for name := range fake.pods {
						fake.end(name, 0)
					}
				})
				if fake.noLog == "" {
					w.until("some output", func() bool { return w.dir(id).OutputSize() > 0 })
					fake.change(func() { fake.forget = 30 })
				}
				s := w.awaitStatus(id, func(s *workv1.Status) bool { return unit.State(s.GetState()).Final() })
				if !strings.HasPrefix(s.GetDetail(), end+c.want) || unit.State(s.GetState()) != unit.Failed {
					t.Errorf("ended as %s: %s", s.GetState(), s.GetDetail())
				}
			})
		})
	}
}

// A part of the input is never taken for all of it: the pod is deleted.
func TestInputThatBreaksOff(t *testing.T) {
	inCluster(t, func(w *world, c *fakeCluster) {
		c.cutIn = 100_000
		w.up()
		id := w.run("k", "", strings.Repeat("x", 1<<20))
		s := w.awaitStatus(id, func(s *workv1.Status) bool { return unit.State(s.GetState()).Final() })
		if !strings.HasPrefix(s.GetDetail(), "Error streaming stdin to pod ns/k-") || !strings.HasSuffix(s.GetDetail(), "of 1048576 bytes were sent, the pod was deleted") {
			t.Errorf("ended as %s: %s", s.GetState(), s.GetDetail())
		}
		if c.count(&c.made) != 1 || c.count(&c.deleted) != 1 {
			t.Errorf("%d pods made, %d deleted", c.made, c.deleted)
		}
	})
}

// A daemon that dies while it sends can't know how much has arrived.
func TestInputThatADaemonLeaves(t *testing.T) {
	inCluster(t, func(w *world, c *fakeCluster) {
		w.up()
		id := w.run("k", "", "")
		w.awaitStatus(id, func(s *workv1.Status) bool { return s.GetDetail() == "Pod Running" })
		w.down()
		d := w.dir(id)
		r, err := d.Read()
		if err != nil {
			t.Fatal(err)
		}
		r.State, r.Detail = unit.Pending, unit.DetailPodInput
		if err := d.Save(r); err != nil {
			t.Fatal(err)
		}
		w.up()
		w.final(id, unit.Failed, "Error with pod's stdin: the connection broke while the input was being sent, pod ns/"+r.Kube.PodName+" had a part of it and was deleted")
		if c.count(&c.deleted) != 1 {
			t.Error("the pod was not deleted")
		}
	})
}

// A unit whose directory somebody removed has failed, and asks nothing of the cluster.
func TestDirectoryOfAPodsUnitTakenAway(t *testing.T) {
	inCluster(t, func(w *world, c *fakeCluster) {
		w.up()
		u := w.created("foo", "k", "")
		if err := os.RemoveAll(w.dir(u.GetUnitId()).Path()); err != nil {
			t.Fatal(err)
		}
		if w.stage.Ask(t, w.pid, &workv1.Start{UnitId: u.GetUnitId()}).(*workv1.StartReply).GetRefused() == nil {
			t.Error("started")
		}
		w.final(u.GetUnitId(), unit.Failed, unit.DirectoryGone(w.dir(u.GetUnitId()).Path()))
		w.noActorsLeft()
		if w.cancel(u.GetUnitId()).GetEnded() == nil || w.release(u.GetUnitId(), false).GetEnded() == nil {
			t.Error("not released")
		}
		if c.count(&c.made) > 0 {
			t.Error("a pod was made")
		}
	})
}

func TestAnswerToACreationIsLost(t *testing.T) {
	inCluster(t, func(w *world, c *fakeCluster) {
		c.lost = 1
		w.up()
		id := w.run("k", "", "payload\n")
		w.final(id, unit.Succeeded, "Finished")
		if got := w.results(id, 0); got != "payload\n" || c.count(&c.made) != 1 {
			t.Errorf("%d pods, output %q", c.made, got)
		}
	})
}

func TestClusterThatIsAway(t *testing.T) {
	inCluster(t, func(w *world, c *fakeCluster) {
		c.held = true
		w.up()
		id := w.run("k", "", "payload\n")
		other := w.run("k", "", "")
		for _, id := range []string{id, other} {
			w.awaitStatus(id, func(s *workv1.Status) bool { return s.GetDetail() == "Pod Running" })
		}
		c.change(func() { c.away = true })
		w.awaitStatus(id, func(s *workv1.Status) bool {
			return strings.HasPrefix(s.GetDetail(), "Pod Running (Kubernetes can't be reached: ")
		})
		if reply := w.cancel(other); !reply.GetEnded().GetPending() {
			t.Errorf("cancel of a pod that can't be reached: %v", reply)
		}
		w.final(other, unit.Canceled, "Canceled")
		w.down()
		w.up()
		c.change(func() { c.away = false })
		w.until("the canceled pod to be deleted", func() bool { return c.count(&c.deleted) == 1 })
		c.change(func() {
			for name := range c.pods {
				c.end(name, 0)
			}
		})
		w.final(id, unit.Succeeded, "Finished")
		if got := w.results(id, 0); got != "payload\n" {
			t.Errorf("output is %q", got)
		}
	})
}

// A release outlives the daemon, of a unit that runs and of one that has ended.
func TestReleaseIsRememberedWhileTheClusterIsAway(t *testing.T) {
	inCluster(t, func(w *world, c *fakeCluster) {
		c.held = true
		w.up()
		running, ended, forced := w.run("k", "", ""), w.run("k", "", "x\n"), w.run("k", "", "")
		units := []string{running, ended}
		for _, id := range append(units, forced) {
			w.awaitStatus(id, func(s *workv1.Status) bool { return s.GetDetail() == "Pod Running" })
		}
		c.change(func() {
			for name, p := range c.pods {
				if p.Labels[pod.LabelUnit] == ended {
					c.end(name, 0)
				}
			}
		})
		w.final(ended, unit.Succeeded, "Finished")
		c.change(func() { c.away = true })
		for _, id := range units {
			if reply := w.release(id, false); !reply.GetEnded().GetPending() {
				t.Errorf("release of a pod that can't be reached: %v", reply)
			}
		}
		if reply := w.release(forced, true); reply.GetEnded() == nil || reply.GetEnded().GetPending() {
			t.Errorf("forced release: %v", reply)
		}
		for range 2 { // the second daemon has seen the cluster away only
			w.down()
			w.up()
		}
		for _, id := range units {
			if s := w.list(id).GetUnits().GetUnits(); len(s) != 1 || !unit.State(s[0].GetState()).Final() {
				t.Errorf("before its pod is deleted the unit is %v", s)
			}
		}
		c.change(func() { c.away = false })
		for _, id := range units {
			w.until("unit "+id+" to be gone", func() bool { return w.list(id).GetRefused() != nil })
			if _, err := os.Stat(w.dir(id).Path()); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the directory is left: %v", err)
			}
		}
		if n := c.count(&c.deleted); n != 2 {
			t.Errorf("%d pods deleted", n)
		}
	})
}

// Nobody is shown what is secret, and the file is only for its owner.
func TestPodSecrets(t *testing.T) {
	inCluster(t, func(w *world, c *fakeCluster) {
		w.up()
		id := w.run("k", "", "")
		s := w.awaitStatus(id, func(s *workv1.Status) bool { return s.GetDetail() == "Pod Running" })
		if strings.Contains(s.GetExtraData(), "TOK") || !strings.Contains(s.GetExtraData(), `"KubeNamespace":"ns","KubeConfig":"","KubePod":"","PodName":"k-`) {
			t.Errorf("shown: %s", s.GetExtraData())
		}
		info, err := os.Stat(filepath.Join(w.dir(id).Path(), "status"))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
		w.release(id, false)
		if c.count(&c.deleted) != 1 {
			t.Error("the pod was not deleted")
		}
	})
}
