package k8s

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"receptor/test/blackbox/harness"
)

// binary has all bytes, long lines, and no newline at its end.
func binary(size int) []byte {
	r := rand.New(rand.NewPCG(1, uint64(size)))
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	line := bytes.Repeat([]byte("long"), 50_000)
	// Container runtimes take a carriage return before the end of a line for part of that.
	b = bytes.ReplaceAll(b, []byte("\r"), []byte("r"))
	return slices.Concat(b, line, []byte("\n\n\n"), line)
}

func TestOutputIsExact(t *testing.T) {
	w := newWorld(t).offer("cat", "image="+image, "command=cat").up()
	payload := binary(2_000_000)
	unit := w.submit("cat", nil, payload)
	u := w.final(unit, harness.Succeeded, "Finished")
	w.same(w.output(unit), payload)
	if u.StdoutSize != int64(len(payload)) || u.WorkType != "cat" {
		t.Errorf("%+v", u)
	}
	pods := w.pods()
	if len(pods) != 1 || pods[0].Labels["receptor/node"] != w.node.ID || pods[0].Labels["receptor/unit"] != unit || !strings.HasPrefix(pods[0].Name, "cat-") {
		t.Errorf("%+v", pods)
	}
	w.command("release", unit)
	w.noPodsLeft()
}

func TestNoPayload(t *testing.T) {
	w := newWorld(t).offer("cat", "image="+image, "command=cat").offer("echo", "image="+image, "command=echo", "params=hello").
		offer("head", "image="+image, "command=head -c 5").up()
	hello := w.submit("echo", nil, nil)
	w.final(hello, harness.Succeeded, "Finished")
	w.same(w.output(hello), []byte("hello\n"))
	unread := w.submit("echo", nil, binary(300_000)) // echo never reads its input
	w.final(unread, harness.Succeeded, "Finished")
	w.same(w.output(unread), []byte("hello\n"))
	// Nor does head, but for a little. The runtime may close the connection without a
	// word then; that the rest was not wanted can't be told from its loss.
	some := w.submit("head", nil, bytes.Repeat([]byte("0123456789\n"), 1_000_000))
	u, err := w.node.Finished(w.ctx, some)
	w.must(err)
	if u.State == harness.Succeeded {
		w.same(w.output(some), []byte("01234"))
	} else if !strings.Contains(u.Detail, "the connection broke before the cluster confirmed the input") {
		t.Errorf("%s: %s", u.StateName, u.Detail)
	}
}

func TestOverTCP(t *testing.T) {
	w := newWorld(t).offer("tcp", "image="+image, "command=sh", "allowruntimeparams=yes", "streammethod=tcp").up()
	payload := binary(3_000_000)
	const talk = `nc "$RECEPTOR_HOST" "$RECEPTOR_PORT" -e cat`
	unit := w.shell("tcp", talk, payload)
	silent := w.shell("tcp", "exit 3", nil)
	failing := w.shell("tcp", talk+"; exit 4", []byte("x"))
	w.final(unit, harness.Succeeded, "Finished")
	w.same(w.output(unit), payload)
	w.final(silent, harness.Failed, "ended without a connection")
	w.final(failing, harness.Failed, "Error running pod: container failed with exit code 4")
	w.same(w.output(failing), []byte("x"))
}

func TestExitCode(t *testing.T) {
	w := newWorld(t).offer("sh", "image="+image, "command=sh", "allowruntimeparams=yes").up()
	unit := w.shell("sh", "cat; echo no such luck; exit 7", []byte("input\n"))
	late := w.shell("sh", "sleep 2; exit 9", nil)
	missing := w.submit("sh", map[string]string{"kube_params": "/no/such/script"}, nil)
	w.final(unit, harness.Failed, "container failed with exit code 7: input; no such luck")
	w.same(w.output(unit), []byte("input\nno such luck\n"))
	w.final(late, harness.Failed, "exit code 9")
	w.final(missing, harness.Failed, "exit code 2")
}

func TestBadImages(t *testing.T) {
	w := newWorld(t).offer("any", "allowruntimecommand=yes", "allowruntimeparams=yes").
		offer("never", "allowruntimepod=yes", "allowruntimeparams=yes").up()
	invalid := w.submit("any", map[string]string{"kube_image": "NO//NAME"}, nil)
	absent := w.submit("any", map[string]string{"kube_image": "localhost:1/none:1", "pod_pending_timeout": "8s"}, nil)
	never := w.submit("never", map[string]string{"secret_kube_pod": `{"apiVersion":"v1","kind":"Pod","spec":{"containers":[
		{"name":"worker","image":"localhost/none:1","imagePullPolicy":"Never"}]}}`}, nil)
	noCommand := w.submit("any", map[string]string{"kube_image": image, "kube_command": "/no/such/program"}, nil)
	w.final(invalid, harness.Failed, "Error creating pod: container failed to start, InvalidImageName")
	w.final(never, harness.Failed, "Error creating pod: container failed to start, ErrImageNeverPull")
	u := w.final(absent, harness.Failed, "Error creating pod: timed out waiting for the condition, container failed to start, ")
	if !strings.Contains(u.Detail, "localhost:1/none:1") {
		t.Errorf("the image is not named: %s", u.Detail)
	}
	w.final(noCommand, harness.Failed, "no such file or directory")
	w.until("no pod to be left that may run yet", func() error {
		for _, p := range w.pods() {
			if p.Status.Phase != "Failed" && p.Status.Phase != "Succeeded" {
				return fmt.Errorf("pod %s is left %s", p.Name, p.Status.Phase)
			}
		}
		return nil
	})
}

func TestQuota(t *testing.T) {
	w := newWorld(t).offer("cat", "image="+image, "command=cat")
	w.apply(`{"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}`)
	w.up()
	w.until("the quota to be in force", func() error {
		unit := w.submit("cat", nil, []byte("x"))
		u, err := w.node.Finished(w.ctx, unit)
		if err == nil && !strings.Contains(u.Detail, "exceeded quota: none, requested: pods=1") {
			err = fmt.Errorf("%s: %s", u.StateName, u.Detail)
		}
		if err == nil && (u.State != harness.Failed || !strings.HasPrefix(u.Detail, "Error creating pod: ")) {
			err = &harness.Fatal{Err: fmt.Errorf("%s: %s", u.StateName, u.Detail)}
		}
		return err
	})
}

const unschedulable = `
apiVersion: v1
kind: Pod
metadata: {name: picky}
spec:
  nodeSelector: {picky: "%s"}
  containers: [{name: worker, image: "%s", command: [cat]}]
`

func TestPendingTimeout(t *testing.T) {
	w := newWorld(t).offer("pod", "allowruntimepod=yes", "allowruntimeparams=yes").up()
	unit := w.submit("pod", map[string]string{
		"secret_kube_pod": fmt.Sprintf(unschedulable, w.ns, image), "pod_pending_timeout": "3s",
	}, []byte("x"))
	w.final(unit, harness.Failed, "Error creating pod: timed out waiting for the condition, pod can't be scheduled")
	w.noPodsLeft()
}

func TestPodText(t *testing.T) {
	w := newWorld(t)
	text := fmt.Sprintf(`
apiVersion: v1
kind: Pod
metadata: {name: automation-job-7, labels: {app: x}}
spec:
  containers:
  - {name: side, image: "%[1]s", command: [sleep, "1000"]}
  - {name: worker, image: "%[1]s", command: [sh, -c, 'cat; echo "$HELLO"'], env: [{name: HELLO, value: hello}]}
`, image)
	file := filepath.Join(w.Dir, "pod.yml")
	w.must(os.WriteFile(file, []byte(text), 0o600))
	w.offer("file", "pod="+file).offer("given", "allowruntimepod=yes").offer("strict", "pod="+file).up()
	fromFile := w.submit("file", nil, []byte("a\n"))
	given := w.submit("given", map[string]string{"secret_kube_pod": strings.ReplaceAll(text, "hello", "moin")}, []byte("b\n"))
	if _, err := w.request("strict", map[string]string{"secret_kube_pod": text}, nil); harness.ErrText(err) != "secret_kube_pod provided but not allowed" {
		t.Error(err)
	}
	w.final(fromFile, harness.Succeeded, "Finished")
	w.same(w.output(fromFile), []byte("a\nhello\n"))
	u := w.final(given, harness.Succeeded, "Finished")
	w.same(w.output(given), []byte("b\nmoin\n"))
	if strings.Contains(string(u.ExtraData), "moin") || !strings.Contains(string(u.ExtraData), `"PodName":"automation-job-7-`) {
		t.Errorf("shown: %s", u.ExtraData)
	}
	for _, p := range w.pods() {
		if p.Labels["app"] != "x" || p.Spec.RestartPolicy != "Never" {
			t.Errorf("%+v", p.ObjectMeta)
		}
	}
	nobody := w.submit("given", map[string]string{"secret_kube_pod": "apiVersion: v1\nkind: Pod\nspec: {containers: [{name: x}]}"}, nil)
	w.final(nobody, harness.Failed, "Error creating pod: at least one container must be named worker")
	w.command("cancel", fromFile)
	w.command("release", given)
	w.noPodsLeft()
}

func TestInputIsChecked(t *testing.T) {
	w := newWorld(t).offer("cat", "image="+image, "command=cat", "checkinput=yes").
		offer("fail", "image="+image, "command=sh", "params=-c \"cat >/dev/null; exit 9\"", "checkinput=yes").up()
	payload := binary(1_000_000)
	unit := w.submit("cat", nil, payload)
	none := w.submit("cat", nil, nil)
	failing := w.submit("fail", nil, payload)
	w.final(unit, harness.Succeeded, "Finished")
	w.same(w.output(unit), payload)
	w.final(none, harness.Succeeded, "Finished")
	w.final(failing, harness.Failed, "exit code 9")
}

func TestLimits(t *testing.T) {
	w := newWorld(t).offer("one", "image="+image, "command=sh", "allowruntimeparams=yes", "maxconcurrent=1").
		offer("small", "image="+image, "command=sh", "allowruntimeparams=yes", "maxoutput=1000").up()
	first := w.shell("one", "sleep 3; echo a", nil)
	second := w.shell("one", "echo b", nil)
	w.reaches(second, "Waiting for a free slot: position 1")
	large := w.shell("small", "yes", nil)
	w.final(large, harness.Failed, "output is larger than the limit of 1000 bytes")
	w.final(first, harness.Succeeded, "Finished")
	w.final(second, harness.Succeeded, "Finished")
	w.same(w.output(second), []byte("b\n"))
}
