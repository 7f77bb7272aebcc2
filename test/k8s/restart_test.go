package k8s

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"receptor/test/blackbox/harness"
)

// counted prints numbered lines slowly.
func counted(lines int, pause string) (script string, output []byte) {
	var b bytes.Buffer
	for i := 1; i <= lines; i++ {
		fmt.Fprintf(&b, "line %d of the output\n", i)
	}
	script = fmt.Sprintf("i=0; while [ $i -lt %d ]; do i=$((i+1)); echo line $i of the output; sleep %s; done", lines, pause)
	return script, b.Bytes()
}

func TestDaemonIsKilledWhileAPodRuns(t *testing.T) {
	w := newWorld(t).offer("sh", "image="+image, "command=sh", "allowruntimeparams=yes").up()
	script, want := counted(60, "0.2")
	long := w.shell("sh", "cat; "+script, []byte("input\n"))
	short := w.shell("sh", "cat; sleep 4; echo end", []byte("input\n"))
	for range 3 {
		n, err := w.node.Output(long)
		w.must(err)
		w.putsOut(long, n+100)
		w.must(w.node.Kill())
		w.must(w.node.Up(w.ctx))
	}
	w.putsOut(short, 1)
	w.must(w.node.Kill())
	w.until("the short pod to end", func() error {
		for _, p := range w.pods() {
			if p.Labels["receptor/unit"] == short && p.Status.Phase == "Succeeded" {
				return nil
			}
		}
		return fmt.Errorf("it runs")
	})
	w.must(w.node.Up(w.ctx))
	w.final(short, harness.Succeeded, "Finished")
	w.same(w.output(short), []byte("input\nend\n"))
	w.final(long, harness.Succeeded, "Finished")
	w.same(w.output(long), append([]byte("input\n"), want...))
	if n := len(w.pods()); n != 2 {
		t.Errorf("%d pods for two units", n)
	}
}

func TestDaemonIsKilledWhileAPodIsPending(t *testing.T) {
	w := newWorld(t).offer("pod", "allowruntimepod=yes", "allowruntimeparams=yes").up()
	unit := w.submit("pod", map[string]string{"secret_kube_pod": fmt.Sprintf(unschedulable, w.ns, image)}, []byte("payload\n"))
	w.reaches(unit, "Pod created")
	w.must(w.node.Kill())
	w.must(w.node.Up(w.ctx))
	w.kubectl("label", "node", "--all", "--overwrite", "picky="+w.ns)
	w.final(unit, harness.Succeeded, "Finished")
	w.same(w.output(unit), []byte("payload\n"))
	if n := len(w.pods()); n != 1 {
		t.Errorf("%d pods for one unit", n)
	}
}

func TestPodIsGoneAfterARestart(t *testing.T) {
	w := newWorld(t).offer("sh", "image="+image, "command=sh", "allowruntimeparams=yes").
		offer("tcp", "image="+image, "command=sh", "allowruntimeparams=yes", "streammethod=tcp").
		offer("kept", "image="+image, "command=sh", "allowruntimeparams=yes", "streammethod=tcp", "deletepodonrestart=no").up()
	const talk = `(echo here; sleep 1000) | nc "$RECEPTOR_HOST" "$RECEPTOR_PORT"`
	unit := w.shell("sh", "echo here; sleep 1000", nil)
	tcp, kept := w.shell("tcp", talk, nil), w.shell("kept", talk, nil)
	for _, u := range []string{unit, tcp, kept} {
		w.putsOut(u, 5)
	}
	w.must(w.node.Kill())
	for _, p := range w.pods() {
		if p.Labels["receptor/unit"] == unit {
			w.kubectl("delete", "pod", p.Name, "--grace-period=1")
		}
	}
	w.must(w.node.Up(w.ctx))
	w.final(unit, harness.Failed, "not found; output may be incomplete")
	w.same(w.output(unit), []byte("here\n"))
	for _, u := range []string{tcp, kept} {
		w.final(u, harness.Failed, "Failed to restart: restart not implemented for streammethod tcp")
	}
	if pods := w.pods(); len(pods) != 1 || pods[0].Labels["receptor/unit"] != kept {
		t.Errorf("want the pod of %s and no other: %+v", kept, pods)
	}
	w.command("release", kept)
	w.noPodsLeft()
}

func TestPodIsDeletedByHand(t *testing.T) {
	w := newWorld(t).offer("sh", "image="+image, "command=sh", "allowruntimeparams=yes").up()
	unit := w.shell("sh", "echo here; sleep 1000", nil)
	w.putsOut(unit, 5)
	for _, p := range w.pods() {
		w.kubectl("delete", "pod", p.Name, "--grace-period=1")
	}
	u := w.final(unit, harness.Failed, "")
	if !strings.Contains(u.Detail, "pod is being deleted") && !strings.Contains(u.Detail, "not found") {
		t.Errorf("detail: %s", u.Detail)
	}
	w.same(w.output(unit), []byte("here\n"))
}

func TestCancelAndRelease(t *testing.T) {
	w := newWorld(t).offer("sh", "image="+image, "command=sh", "allowruntimeparams=yes").
		offer("pod", "allowruntimepod=yes").up()
	running := w.shell("sh", "echo here; sleep 1000", nil)
	pending := w.submit("pod", map[string]string{"secret_kube_pod": fmt.Sprintf(unschedulable, "never", image)}, nil)
	released := w.shell("sh", "sleep 1000", nil)
	w.putsOut(running, 5)
	w.reaches(pending, "Pod created")
	w.reaches(released, "Pod Running")
	w.command("cancel", running)
	w.command("cancel", pending)
	w.command("release", released)
	w.final(running, harness.Canceled, "Canceled")
	w.final(pending, harness.Canceled, "Canceled")
	w.same(w.output(running), []byte("here\n"))
	w.noPodsLeft()
	if _, err := w.node.Unit(w.ctx, released); harness.ErrText(err) != "unknown work unit "+released {
		t.Error(err)
	}
	w.command("cancel", running) // again: it is done already
	w.command("release", running)
	w.command("release", pending)
}

// What a daemon left that lost its disk is cleared up by the next one.
func TestOrphansAreSwept(t *testing.T) {
	w := newWorld(t).offer("sh", "image="+image, "command=sh", "allowruntimeparams=yes").up()
	lost := w.shell("sh", "sleep 1000", nil)
	kept := w.shell("sh", "echo here; sleep 3; echo end", nil)
	w.reaches(lost, "Pod Running")
	w.putsOut(kept, 5)
	w.apply(fmt.Sprintf(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"of-another-node","labels":{"receptor/node":"other","receptor/unit":"abcd1234"}},
		"spec":{"containers":[{"name":"worker","image":"%s","command":["sleep","1000"]}]}}`, image))
	w.must(w.node.Kill())
	w.must(os.RemoveAll(filepath.Join(w.node.DataDir, w.node.ID, lost)))
	w.must(w.node.Up(w.ctx))
	w.until("the orphan to be deleted", func() error {
		for _, p := range w.pods() {
			if p.Labels["receptor/unit"] == lost {
				return fmt.Errorf("pod %s is there", p.Name)
			}
		}
		return nil
	})
	w.final(kept, harness.Succeeded, "Finished")
	w.same(w.output(kept), []byte("here\nend\n"))
	if n := len(w.pods()); n != 2 {
		t.Errorf("%d pods, want that of the other node and the finished one", n)
	}
}
