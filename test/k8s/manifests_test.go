package k8s

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"receptor/test/podman"
)

// manifests is where the shipped ones are.
const manifests = "../../deploy/kubernetes"

// ownNetwork lets the node of the manifests find the API server of a cluster that
// has no network of services: on the network of its host.
const ownNetwork = `
resources: [%s]
patches:
- target: {kind: Deployment, name: receptor}
  patch: |
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: receptor}
    spec:
      template:
        spec:
          hostNetwork: true
          containers:
          - name: receptor
            env: [{name: KUBERNETES_SERVICE_HOST, value: 127.0.0.1}, {name: KUBERNETES_SERVICE_PORT, value: "6443"}]
`

// catPod is a unit that puts out what it gets.
const catPod = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"unit"},"spec":{"containers":[{"name":"worker","image":"%s","command":["cat"]}]}}`

// The node that the shipped manifests describe runs units with the token of its
// service account and the rights of its role, and with no other.
func TestShippedManifests(t *testing.T) {
	nodeImage := os.Getenv(ofNode)
	if nodeImage == "" && os.Getenv(wanted) != "" {
		t.Skipf("there is no image of the node in this cluster: name one that it can have in %s. %s", ofNode, os.Getenv(noNode))
	}
	w := newWorld(t)
	w.rollOut(nodeImage)

	payload := bytes.Repeat([]byte("a line of the payload\n"), 1000)
	out, err := w.submitInside(payload, "--follow", "--rm")
	if err != nil {
		t.Fatal(err)
	}
	output, end := out[:min(len(out), len(payload))], out[min(len(out), len(payload)):]
	w.same(output, payload)
	if !strings.HasSuffix(string(end), ", released)\n") {
		t.Errorf("after the output: %q", end)
	}
	w.until("the unit's pod to be deleted", func() error {
		left, err := w.tryKubectl("get", "pods", "--selector", "receptor/unit", "--output", "name")
		if err == nil && left != "" {
			err = errors.New("left is " + left)
		}
		return err
	})

	w.kubectl("delete", "rolebinding", "receptor")
	w.until("a unit to be refused", func() error {
		_, err := w.submitInside(payload, "--follow")
		if err == nil {
			return errors.New("it ran without the rights of the role")
		}
		want := fmt.Sprintf(`pods is forbidden: User "system:serviceaccount:%s:receptor" cannot create resource "pods"`, w.ns)
		if strings.Contains(err.Error(), want) {
			return nil
		}
		return err
	})
}

// rollOut applies the shipped manifests to the namespace, as they are but for that and
// for what this cluster lacks, and waits for the node.
func (w *world) rollOut(nodeImage string) {
	w.t.Helper()
	folder, err := filepath.Abs(manifests)
	w.must(err)
	if os.Getenv(inside) != "" {
		folder = w.overlay(folder)
	}
	const image, namespace = podman.NodeImage, "namespace: default\n"
	text := w.kubectl("kustomize", folder)
	if strings.Count(text, image) != 1 || strings.Count(text, namespace) != 1 {
		w.t.Fatalf("want the image and the namespace of its pods once in\n%s", text)
	}
	w.apply(strings.NewReplacer(image, nodeImage, namespace, "namespace: "+w.ns+"\n").Replace(text))
	if _, err := w.tryKubectl("rollout", "status", "deployment/receptor", "--timeout", "2m"); err != nil {
		pods, _ := w.tryKubectl("describe", "pods")
		logs, _ := w.tryKubectl("logs", "deployment/receptor")
		w.t.Fatalf("%v\n%s\n%s", err, pods, logs)
	}
}

// overlay is a folder with the manifests and what this cluster needs.
func (w *world) overlay(folder string) string {
	w.t.Helper()
	dir := filepath.Join(w.Dir, "overlay")
	w.must(os.Mkdir(dir, 0o700))
	from, err := filepath.Rel(dir, folder)
	w.must(err)
	w.must(os.WriteFile(filepath.Join(dir, "kustomization.yaml"), fmt.Appendf(nil, ownNetwork, from), 0o600))
	return dir
}

// submitInside submits a unit with receptorctl in the node's pod, and returns what
// that puts out; its complaints are the error.
func (w *world) submitInside(payload []byte, options ...string) ([]byte, error) {
	w.t.Helper()
	args := append([]string{"--namespace", w.ns, "exec", "--stdin", "deployment/receptor", "--",
		"receptorctl", "work", "submit", "pod", "--payload", "-", "--param", fmt.Sprintf("secret_kube_pod="+catPod, image)}, options...)
	cmd := exec.CommandContext(w.ctx, "kubectl", args...)
	var out, complaint bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(payload), &out, &complaint
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, &complaint)
	}
	return out.Bytes(), nil
}
