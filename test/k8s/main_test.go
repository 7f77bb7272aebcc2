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
)

const (
	wanted   = "RECEPTOR_TEST_K8S" // set by make test-k8s
	inside   = "RECEPTOR_K8S_INSIDE"
	patience = 3 * time.Minute // of one test
	atATime  = "4"             // tests wait more than they compute
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
	cmd := exec.Command("./cluster.sh", append([]string{folder, self}, os.Args[1:]...)...)
	cmd.Stdout, cmd.Stderr, cmd.Env = os.Stdout, os.Stderr, append(os.Environ(), inside+"=1")
	var exit *exec.ExitError
	if err := cmd.Run(); errors.As(err, &exit) {
		return exit.ExitCode()
	} else if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
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
