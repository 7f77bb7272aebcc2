package deploy

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const image = "localhost/receptor:latest"

// podman is a container engine with a storage of its own: it neither finds nor
// leaves anything on the machine.
type podman struct {
	t    *testing.T
	env  []string
	args []string
}

// newPodman builds the image. A machine that can't run any container skips the
// test with podman's own words.
func newPodman(t *testing.T) *podman {
	t.Helper()
	needsRoot(t)
	needs(t, "podman")
	layout := filepath.Join(made(t), "bin", "image")
	dir, err := os.MkdirTemp("", "rc-") // podman wants paths of at most 50 characters
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	p := &podman{t: t, args: []string{
		"--root", filepath.Join(dir, "root"), "--runroot", filepath.Join(dir, "run"), "--tmpdir", filepath.Join(dir, "tmp"),
		"--network-config-dir", filepath.Join(dir, "networks"), "--storage-driver", "vfs",
	}}
	if os.Getenv("CONTAINERS_CONF") == "" {
		p.env = []string{"CONTAINERS_CONF=" + p.configure(dir)}
	}
	if out, err := p.try("build", "--quiet", "--tag", image, "--file", source("deploy", "container", "Containerfile"), layout); err != nil {
		t.Skipf("images can't be built here: %v", firstLine(out, err))
	}
	if out, err := p.try("run", "--rm", "--network", "none", image, "--version"); err != nil {
		t.Skipf("containers can't run here: %v", firstLine(out, err))
	}
	return p
}

// configure asks for nothing that needs more rights than this process has.
func (p *podman) configure(dir string) string {
	var files, processes unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		p.t.Fatal(err)
	}
	if err := unix.Getrlimit(unix.RLIMIT_NPROC, &processes); err != nil {
		p.t.Fatal(err)
	}
	few := min(files.Max, processes.Max, 20000)
	text := fmt.Sprintf(`[containers]
default_ulimits = ["nofile=%d:%d", "nproc=%d:%d"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
`, few, few, few, few)
	file := filepath.Join(dir, "containers.conf")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
	return file
}

func (p *podman) try(args ...string) (string, error) {
	return try(p.env, "podman", append(p.args[:len(p.args):len(p.args)], args...)...)
}

func (p *podman) run(args ...string) string {
	p.t.Helper()
	out, err := p.try(args...)
	if err != nil {
		p.t.Fatal(err)
	}
	return strings.TrimSpace(out)
}

// start runs a container until the test ends.
func (p *podman) start(name string, args ...string) {
	p.t.Helper()
	p.t.Cleanup(func() {
		if p.t.Failed() {
			logs, _ := p.try("logs", name) // it may never have started
			p.t.Logf("log of %s:\n%s", name, logs)
		}
		if _, err := p.try("rm", "--force", "--ignore", "--time", "2", name); err != nil {
			p.t.Error(err)
		}
	})
	p.run(append([]string{"run", "--detach", "--name", name}, args...)...)
}

func firstLine(out string, err error) string {
	line, _, _ := strings.Cut(strings.TrimSpace(out), "\n")
	if line == "" {
		return err.Error()
	}
	return line
}
