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

func TestRuntimeAccess(t *testing.T) {
	w := newWorld(t)
	text, err := os.ReadFile(os.Getenv("KUBECONFIG"))
	w.must(err)
	w.node.Args = append(w.node.Args, "--work-kubernetes", "worktype=any", "authmethod=runtime", "allowruntimeauth=yes", "image="+image, "command=cat")
	w.offer("strict", "image="+image, "command=cat").up()
	for name, c := range map[string]struct {
		kind   string
		params map[string]string
		want   string
	}{
		"missing":     {"any", nil, "param secret_kube_config must be provided if AuthMethod=runtime"},
		"not allowed": {"strict", map[string]string{"secret_kube_config": string(text)}, "secret_kube_config provided but not allowed"},
		"namespace":   {"strict", map[string]string{"kube_namespace": w.ns}, "kube_namespace provided but not allowed"},
		"no config":   {"any", map[string]string{"secret_kube_config": "hunter2: ["}, "kubeconfig can't be read (its text is not shown: it may hold secrets)"},
		"program": {"any", map[string]string{"secret_kube_config": `{"apiVersion":"v1","kind":"Config","users":[{"name":"u","user":{"exec":
			{"apiVersion":"client.authentication.k8s.io/v1","command":"touch","args":["` + w.Dir + `/touched"],"interactiveMode":"Never"}}}]}`},
			"user u of the kubeconfig names a program to run: only tokens and certificates are taken"},
	} {
		if _, err := w.request(c.kind, c.params, nil); harness.ErrText(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	unit := w.submit("any", map[string]string{"secret_kube_config": string(text), "kube_namespace": w.ns}, []byte("payload"))
	u := w.final(unit, harness.Succeeded, "Finished")
	w.same(w.output(unit), []byte("payload"))
	w.command("cancel", unit)
	w.noPodsLeft()
	log, err := os.ReadFile(w.node.LogFile)
	w.must(err)
	list, err := w.node.Ask(w.ctx, "work list")
	w.must(err)
	for what, shown := range map[string]string{"status": string(u.ExtraData), "list": list, "log": string(log)} {
		if strings.Contains(shown, "admintoken") || strings.Contains(shown, "hunter2") {
			t.Errorf("%s shows a secret: %s", what, shown)
		}
	}
	if _, err := os.Stat(filepath.Join(w.Dir, "touched")); err == nil {
		t.Error("a program was run")
	}
	wrong := bytes.ReplaceAll(text, []byte("admintoken"), []byte("wrong"))
	unit = w.submit("any", map[string]string{"secret_kube_config": string(wrong), "kube_namespace": w.ns}, nil)
	w.final(unit, harness.Failed, "Error creating pod: Unauthorized") //nolint:misspell // the cluster's word
}

// role is all that a node has to be allowed.
const role = `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: receptor}
rules:
- {apiGroups: [""], resources: [pods], verbs: [create, get, list, watch, delete]}
- {apiGroups: [""], resources: [pods/log], verbs: [get]}
- {apiGroups: [""], resources: [pods/attach], verbs: [%s]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: receptor}
subjects: [{kind: User, name: limited}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: receptor}
`

// The rights of the existing system are enough, too: it attaches with create only.
func TestRightsThatAreNeeded(t *testing.T) {
	limited := os.Getenv("KUBECONFIG") + "-limited"
	if _, err := os.Stat(limited); os.Getenv(wanted) != "" && err != nil {
		t.Skip("there is no user with few rights in this cluster: ", err)
	}
	for _, verbs := range []string{"create", "create, get"} {
		t.Run(verbs, func(t *testing.T) {
			w := newWorld(t)
			w.node.Args = append(w.node.Args, "--work-kubernetes", "worktype=cat", "namespace="+w.ns, "authmethod=kubeconfig",
				"kubeconfig="+limited, "image="+image, "command=cat")
			w.up()
			none := w.submit("cat", nil, []byte("x"))
			w.final(none, harness.Failed, `Error creating pod: pods is forbidden: User "limited" cannot create resource "pods"`)
			w.apply(fmt.Sprintf(role, verbs))
			payload := binary(100_000)
			unit := w.submit("cat", nil, payload)
			w.final(unit, harness.Succeeded, "Finished")
			w.same(w.output(unit), payload)
			w.command("release", unit)
			w.noPodsLeft()
		})
	}
}

// A log that rotates can lose lines on its way through the cluster. What is there has
// no line twice and none out of order, and success is claimed only for all of it.
func TestLogRotation(t *testing.T) {
	w := newWorld(t).offer("sh", "image="+image, "command=sh", "allowruntimeparams=yes").up()
	const lines = 400_000 // of 60 bytes: three files of 8 MiB
	unit := w.shell("sh", fmt.Sprintf(`awk "BEGIN{for(i=1;i<=%d;i++){printf \"%%050d and more\n\",i;if(i%%1000==0){fflush();system(\"sleep 0.03\")}}}"`, lines), nil)
	u, err := w.node.Finished(w.ctx, unit)
	w.must(err)
	out := w.output(unit)
	last, seen := 0, 0
	for line := range bytes.Lines(out) {
		var n int
		if _, err := fmt.Sscanf(string(line), "%d and more\n", &n); err != nil || n <= last {
			t.Fatalf("line %q after %d: %v", line, last, err)
		}
		last, seen = n, seen+1
	}
	t.Logf("%d of %d lines, %s: %s", seen, lines, u.StateName, u.Detail)
	if whole := seen == lines; u.State == harness.Succeeded && !whole {
		t.Errorf("success with %d of %d lines", seen, lines)
	}
	if u.State != harness.Succeeded && !strings.Contains(u.Detail, "output may be incomplete: the log was rotated") {
		t.Errorf("%s: %s", u.StateName, u.Detail)
	}
}
