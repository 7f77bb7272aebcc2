// Package podman is a container engine for tests, with a storage of its own: it
// neither finds nor leaves anything on the machine.
package podman

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// NodeImage is the name that Build gives to the image of a node.
const NodeImage = "localhost/receptor:latest"

// Engine keeps what it needs in a folder, which is the caller's to remove.
type Engine struct{ env, args []string }

// New makes an engine in dir, whose path is short: podman wants at most 50 characters.
func New(dir string) (*Engine, error) {
	e := &Engine{args: []string{
		"--root", filepath.Join(dir, "root"), "--runroot", filepath.Join(dir, "run"), "--tmpdir", filepath.Join(dir, "tmp"),
		"--network-config-dir", filepath.Join(dir, "networks"), "--storage-driver", "vfs",
	}}
	if os.Getenv("CONTAINERS_CONF") != "" {
		return e, nil
	}
	file := filepath.Join(dir, "containers.conf")
	e.env = []string{"CONTAINERS_CONF=" + file}
	return e, configure(file)
}

// configure asks for nothing that needs more rights than this process has.
func configure(file string) error {
	var files, processes unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		return err
	}
	if err := unix.Getrlimit(unix.RLIMIT_NPROC, &processes); err != nil {
		return err
	}
	few := min(files.Max, processes.Max, 20000)
	return os.WriteFile(file, fmt.Appendf(nil, `[containers]
default_ulimits = ["nofile=%d:%d", "nproc=%d:%d"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
`, few, few, few, few), 0o600)
}

// Run runs podman and returns all it printed.
func (e *Engine) Run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "podman", append(e.args[:len(e.args):len(e.args)], args...)...)
	cmd.Env = append(os.Environ(), e.env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("podman %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), err
}

// Build makes the image of a node from the root folder that make image-root lays out.
func (e *Engine) Build(ctx context.Context, containerfile, root string) (string, error) {
	return e.Run(ctx, "build", "--quiet", "--tag", NodeImage, "--file", containerfile, root)
}
