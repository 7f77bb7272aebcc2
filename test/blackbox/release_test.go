package blackbox

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"receptor/test/blackbox/harness"
)

// A forced release waits a moment for the other node. A daemon that dies meanwhile goes
// on with it after its restart, and does not wait for a node that says nothing.
func TestForcedReleaseSurvivesTheDaemon(t *testing.T) {
	w := newWorld(t)
	port := w.port()
	a := w.node("a", harness.Peer(port))
	b := w.node("b", harness.Listener(port), harness.Command("long", "sleep", "1000"))
	w.up(b, a)
	w.must(a.Sees(w.ctx, "b"))
	unit := w.gives(a, "--node", "b", "long")
	w.hasUnits(a, map[string]string{unit: "Running"})
	w.must(syscall.Kill(b.PID(), syscall.SIGSTOP))
	answer := make(chan error, 1)
	go func() {
		_, err := a.Ask(w.ctx, "work force-release "+unit)
		answer <- err
	}()
	status := filepath.Join(a.DataDir, "a", unit, "status")
	w.must(harness.Until(w.ctx, "the release to be written down", func() error {
		text, err := os.ReadFile(status)
		if err == nil && !strings.Contains(string(text), `"LocalReleased":true`) {
			err = fmt.Errorf("%s", text)
		}
		return err
	}))
	w.must(a.Kill())
	if err := <-answer; err == nil {
		t.Fatal("the release was answered before the daemon died: nothing is proved")
	}
	w.up(a)
	w.hasUnits(a, nil)
	if left, err := filepath.Glob(filepath.Join(a.DataDir, "a", "*")); err != nil || len(left) > 0 {
		t.Errorf("%v are left, %v", left, err)
	}
	w.must(syscall.Kill(b.PID(), syscall.SIGCONT))
	w.ctl(b, "work", "release", "--all")
}

// A pod unit that is released while its cluster is away stays until its pod is deleted,
// and that over a restart of the daemon: nobody has to ask again.
func TestReleaseOfAPodSurvivesTheDaemon(t *testing.T) {
	w := newWorld(t)
	api := local(w.port())
	kubeconfig := w.file("kubeconfig", `{"kind": "Config", "apiVersion": "v1", "current-context": "c",
		"contexts": [{"name": "c", "context": {"cluster": "c", "user": "u", "namespace": "ns"}}],
		"clusters": [{"name": "c", "cluster": {"server": "http://`+api+`"}}], "users": [{"name": "u", "user": {}}]}`)
	a := w.node("a", []string{"--local-only", "--work-kubernetes", "worktype=pod", "image=none", "authmethod=kubeconfig", "kubeconfig=" + kubeconfig})
	w.up(a)
	unit := w.gives(a, "pod")
	w.must(harness.Until(w.ctx, "the pod to have a name", func() error {
		u, err := a.Unit(w.ctx, unit)
		if err == nil && !strings.Contains(string(u.ExtraData), `"PodName":"pod-`) {
			err = fmt.Errorf("%s", u.ExtraData)
		}
		return err
	}))
	answer, err := a.Ask(w.ctx, "work release "+unit)
	if want := fmt.Sprintf(`{"release pending":%q}`, unit); err != nil || answer != want {
		t.Errorf("release: %s, %v, want %s", answer, err, want)
	}
	w.must(a.Kill())
	w.up(a)
	w.hasUnits(a, map[string]string{unit: "Canceled"})

	var deleted atomic.Int32
	cluster := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete && strings.HasPrefix(r.URL.Path, "/api/v1/namespaces/ns/pods/pod-") {
			deleted.Add(1)
		}
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(http.StatusNotFound)
		fmt.Fprint(rw, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}`)
	})}
	listener, err := net.Listen("tcp4", api)
	w.must(err)
	served := make(chan error, 1)
	go func() { served <- cluster.Serve(listener) }()
	w.hasUnits(a, nil)
	if deleted.Load() != 1 {
		t.Errorf("the pod was deleted %d times", deleted.Load())
	}
	w.must(cluster.Close())
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}
