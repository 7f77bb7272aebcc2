package k8s

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"receptor/test/blackbox/harness"
	"receptor/test/podman"
)

const (
	wanted   = "RECEPTOR_TEST_K8S" // set by make test-k8s
	inside   = "RECEPTOR_K8S_INSIDE"
	ofNode   = "RECEPTOR_K8S_NODE_IMAGE" // the node's image in the cluster
	noNode   = "RECEPTOR_K8S_NO_NODE"    // why there is none
	patience = 3 * time.Minute           // of one test
	atATime  = "4"                       // tests wait more than they compute
)

var programs harness.Programs

// image of the pods: a busybox.
var image = cmp.Or(os.Getenv("RECEPTOR_K8S_IMAGE"), "localhost/worker:1")

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(start(m))
}

func start(m *testing.M) int {
	if os.Getenv(wanted) == "" {
		return m.Run() // every test says why it is skipped
	}
	if os.Getenv("KUBECONFIG") == "" {
		return startCluster()
	}
	var err error
	if programs, err = harness.FindPrograms(os.Getenv("RECEPTOR_BIN")); err == nil {
		err = flag.Set("test.parallel", atATime)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// startCluster runs this program again, in a cluster of its own.
func startCluster() int {
	folder := os.Getenv("RECEPTOR_K8S_DIR")
	if folder == "" {
		if home, err := os.UserHomeDir(); err == nil {
			folder = filepath.Join(home, ".cache", "receptor-k8s")
		}
	}
	if missing := missing(folder); missing != "" {
		fmt.Printf("SKIPPED, nothing was tested: there is neither KUBECONFIG nor a Kubernetes to start (%s). "+
			"Set KUBECONFIG, or RECEPTOR_K8S_DIR to a folder as test/k8s/cluster.sh describes it.\n", missing)
		return 0
	}
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	dir, err := os.MkdirTemp("", "rki-") // short, for podman
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command("./cluster.sh", append([]string{folder, self}, os.Args[1:]...)...)
	cmd.Stdout, cmd.Stderr, cmd.Env = os.Stdout, os.Stderr, append(os.Environ(), inside+"=1")
	if archive, err := buildNode(dir); err != nil {
		cmd.Env = append(cmd.Env, noNode+"="+err.Error())
	} else {
		cmd.Env = append(cmd.Env, ofNode+"="+podman.NodeImage, "MORE_IMAGE="+archive)
	}
	var exit *exec.ExitError
	if err := cmd.Run(); errors.As(err, &exit) {
		return exit.ExitCode()
	} else if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// buildNode makes the node's image and saves it to a file.
func buildNode(dir string) (archive string, err error) {
	root, err := filepath.Abs(filepath.Join(os.Getenv("RECEPTOR_BIN"), "image"))
	if err == nil {
		_, err = os.Stat(filepath.Join(root, "usr", "bin", "receptor"))
	}
	if err != nil {
		return "", fmt.Errorf("make image-root lays it out: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	engine, err := podman.New(dir)
	if err == nil {
		_, err = engine.Build(ctx, filepath.Join(manifests, "..", "container", "Containerfile"), root)
	}
	archive = filepath.Join(dir, "node.tar")
	if err == nil {
		_, err = engine.Run(ctx, "save", "--quiet", "--format", "docker-archive", "--output", archive, podman.NodeImage)
	}
	return archive, err
}

// missing says what a cluster of our own lacks; empty for nothing.
func missing(folder string) string {
	if os.Geteuid() != 0 {
		return "that needs root"
	}
	for _, file := range []string{
		"bin/kube-apiserver", "bin/kube-controller-manager", "bin/kube-scheduler", "bin/kubelet", "bin/containerd", "bin/ctr",
		"images/pause.tar", "images/worker.tar",
	} {
		if _, err := os.Stat(filepath.Join(folder, file)); err != nil {
			return err.Error()
		}
	}
	for _, program := range []string{"etcd", "kubectl", "runc", "openssl", "ip", "unshare"} {
		if _, err := exec.LookPath(program); err != nil {
			return err.Error()
		}
	}
	return ""
}

// stopContext is for what comes after a test.
func stopContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), time.Minute)
}
