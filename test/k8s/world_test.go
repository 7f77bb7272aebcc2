package k8s

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"receptor/test/blackbox/harness"
)

// world is one daemon, and a namespace for its pods.
type world struct {
	*harness.World
	t    *testing.T
	ctx  context.Context
	ns   string
	node *harness.Node
}

func newWorld(t *testing.T) *world {
	t.Helper()
	if os.Getenv(wanted) == "" {
		t.Skip("needs a Kubernetes: make test-k8s runs it")
	}
	t.Parallel()
	dir, err := os.MkdirTemp("", "rck-") // short, for the path of a socket
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	sum := sha256.Sum256([]byte(dir))
	w := &world{World: harness.NewWorld(dir), t: t, ctx: ctx, ns: fmt.Sprintf("t-%x", sum[:6])}
	t.Cleanup(func() {
		defer cancel()
		stop, done := stopContext()
		defer done()
		if err := errors.Join(w.SoundLogs(), w.Close(stop), os.RemoveAll(dir)); err != nil {
			t.Errorf("clear up: %v", err)
		}
		if out, err := exec.CommandContext(stop, "kubectl", "delete", "namespace", w.ns, "--wait=false").CombinedOutput(); err != nil {
			t.Errorf("clear up: %v: %s", err, out)
		}
	})
	w.kubectl("create", "namespace", w.ns)
	w.until("the namespace to be ready", func() error {
		_, err := w.tryKubectl("get", "serviceaccount", "default")
		return err
	})
	w.node = w.Node(programs.Receptor, "n"+w.ns[2:], "--local-only", "--log-level", "debug")
	return w
}

// offer adds a type of work; pods get a namespace and the administrator's access.
func (w *world) offer(name string, params ...string) *world {
	w.node.Args = append(w.node.Args, append([]string{
		"--work-kubernetes", "worktype=" + name, "namespace=" + w.ns, "authmethod=kubeconfig", "kubeconfig=" + os.Getenv("KUBECONFIG"),
	}, params...)...)
	return w
}

func (w *world) up() *world {
	w.t.Helper()
	w.must(w.node.Up(w.ctx))
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("%v\n%s", err, w.node.LogTail())
	}
}

func (w *world) until(what string, look func() error) {
	w.t.Helper()
	if err := harness.Until(w.ctx, what, look); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) tryKubectl(args ...string) (string, error) {
	var out, complaint bytes.Buffer
	cmd := exec.CommandContext(w.ctx, "kubectl", append([]string{"--namespace", w.ns}, args...)...)
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, &complaint)
	}
	return out.String(), nil
}

func (w *world) kubectl(args ...string) string {
	w.t.Helper()
	out, err := w.tryKubectl(args...)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// apply makes what a manifest describes.
func (w *world) apply(manifest string) {
	w.t.Helper()
	file := filepath.Join(w.Dir, "manifest.yml")
	w.must(os.WriteFile(file, []byte(manifest), 0o600))
	w.kubectl("apply", "-f", file)
}

// pods are those that are there and stay.
func (w *world) pods() []corev1.Pod {
	w.t.Helper()
	var list corev1.PodList
	w.must(json.Unmarshal([]byte(w.kubectl("get", "pods", "-o", "json")), &list))
	var stay []corev1.Pod
	for _, p := range list.Items {
		if p.DeletionTimestamp == nil {
			stay = append(stay, p)
		}
	}
	return stay
}

func (w *world) noPodsLeft() {
	w.t.Helper()
	w.until("no pods to be left", func() error {
		if n := len(w.pods()); n > 0 {
			return fmt.Errorf("%d are left", n)
		}
		return nil
	})
}

// request submits work and returns the unit, or the refusal.
func (w *world) request(kind string, params map[string]string, payload []byte) (string, error) {
	w.t.Helper()
	s, err := harness.Dial(w.ctx, w.node.Socket)
	w.must(err)
	defer s.Close()
	request := map[string]string{"command": "work", "subcommand": "submit", "node": w.node.ID, "worktype": kind}
	for name, value := range params {
		request[name] = value
	}
	line, err := json.Marshal(request)
	w.must(err)
	answer, err := s.Ask(string(line))
	if err != nil {
		return "", err
	}
	var unit string
	if _, err := fmt.Sscanf(answer, "Work unit created with ID %8s. Send", &unit); err != nil {
		return "", fmt.Errorf("%w in %q", err, answer)
	}
	_, err = io.Copy(s, bytes.NewReader(payload))
	w.must(err)
	w.must(s.CloseWrite())
	_, err = s.ReadLine()
	return unit, err
}

func (w *world) submit(kind string, params map[string]string, payload []byte) string {
	w.t.Helper()
	unit, err := w.request(kind, params, payload)
	w.must(err)
	return unit
}

// shell submits a script; its type must run sh and allow parameters.
func (w *world) shell(kind, script string, payload []byte) string {
	w.t.Helper()
	return w.submit(kind, map[string]string{"kube_params": "-c '" + script + "'"}, payload)
}

// final waits for the end of a unit and checks it.
func (w *world) final(unit string, state int, detail string) harness.Unit {
	w.t.Helper()
	u, err := w.node.Finished(w.ctx, unit)
	w.must(err)
	if u.State != state || !strings.Contains(u.Detail, detail) {
		w.t.Errorf("unit ended as %s %q, want state %d and %q\n%s", u.StateName, u.Detail, state, detail, w.node.LogTail())
	}
	return u
}

// reaches waits until a unit is in a state, or has a detail.
func (w *world) reaches(unit string, detail string) {
	w.t.Helper()
	w.until("unit to be: "+detail, func() error {
		u, err := w.node.Unit(w.ctx, unit)
		if err == nil && u.State >= harness.Succeeded {
			err = &harness.Fatal{Err: fmt.Errorf("it has ended: %s %s", u.StateName, u.Detail)}
		}
		if err == nil && !strings.Contains(u.Detail, detail) {
			err = errors.New(u.Detail)
		}
		return err
	})
}

// puts out so many bytes, at least.
func (w *world) putsOut(unit string, bytes int64) {
	w.t.Helper()
	w.until("output", func() error {
		n, err := w.node.Output(unit)
		if err == nil && n < bytes {
			err = fmt.Errorf("%d bytes", n)
		}
		return err
	})
}

func (w *world) output(unit string) []byte {
	w.t.Helper()
	var out bytes.Buffer
	_, err := w.node.Results(w.ctx, unit, 0, &out)
	w.must(err)
	return out.Bytes()
}

func (w *world) command(verb, unit string) {
	w.t.Helper()
	_, err := w.node.Ask(w.ctx, "work "+verb+" "+unit)
	w.must(err)
}

// same compares bytes without showing megabytes of them.
func (w *world) same(got, want []byte) {
	w.t.Helper()
	if bytes.Equal(got, want) {
		return
	}
	i := 0
	for i < min(len(got), len(want)) && got[i] == want[i] {
		i++
	}
	w.t.Errorf("%d bytes, want %d; the first that differs is at %d: %q, want %q", len(got), len(want), i,
		got[i:min(i+60, len(got))], want[i:min(i+60, len(want))])
}
