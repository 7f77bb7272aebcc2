//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// inside is an environment variable that only the program in the namespaces has.
const inside = "RECEPTOR_TEST_NETNS"

// tools are the programs that build the networks.
var tools = []string{"ip", "tc", "nft"}

// Inside reports whether this is the program that Enter started.
func Inside() bool { return os.Getenv(inside) != "" }

// Missing says why there can be no lab here; it is empty if there can.
func Missing() string {
	if os.Geteuid() != 0 {
		return "network namespaces need root"
	}
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Sprintf("network namespaces need %s (iproute2, nftables): %v", tool, err)
		}
	}
	if _, err := os.Stat(tunDevice); err != nil {
		return fmt.Sprintf("the switch in user space needs tun: %v", err)
	}
	probe := exec.Command("ip", "link", "set", "lo", "up")
	probe.SysProcAttr = private()
	if out, err := probe.CombinedOutput(); err != nil {
		return fmt.Sprintf("namespaces can't be made here: %v: %s", err, out)
	}
	return ""
}

// private is a process with mounts, networks and processes of its own. The kernel
// kills it when we die, and with it, as the first of its processes, all others.
func private() *unix.SysProcAttr {
	return &unix.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWPID,
		Pdeathsig:  unix.SIGKILL,
	}
}

// Enter runs this test program again, in private namespaces, and returns its exit
// status. env is added to its environment.
func Enter(env ...string) (code int, err error) {
	runtime.LockOSThread() // Pdeathsig is about the thread
	defer runtime.UnlockOSThread()
	args := append(slices.DeleteFunc(os.Args[1:], ofTestLog), "-test.parallel=8") // they wait more than they work
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(append(os.Environ(), env...), inside+"=1")
	cmd.SysProcAttr = private()
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// ofTestLog finds the file in which only one of the two programs may note what
// the test cache has to know.
func ofTestLog(arg string) bool { return strings.HasPrefix(arg, "-test.testlogfile=") }

// Scratch is a folder for files that nobody outside sees and nobody has to remove.
const Scratch = "/var/run"

// Furnish makes the new namespaces fit to live in. Nothing of it is seen outside.
func Furnish(ctx context.Context) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts private: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	run, err := filepath.EvalSymlinks(Scratch)
	if err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", run, "tmpfs", 0, ""); err != nil {
		return fmt.Errorf("mount %s: %w", run, err)
	}
	return command(ctx, "", "ip", "link", "set", "lo", "up")
}

// command runs a program to its end, with some input.
func command(ctx context.Context, input, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = strings.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, out)
	}
	return nil
}

// commands runs several, a line each.
func commands(ctx context.Context, lines ...string) error {
	for _, line := range lines {
		words := strings.Fields(line)
		if err := command(ctx, "", words[0], words[1:]...); err != nil {
			return err
		}
	}
	return nil
}
