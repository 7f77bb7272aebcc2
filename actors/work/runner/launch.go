package runner

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"receptor/actors/work/process"
	"receptor/actors/work/store"
)

// Flag is the hidden option that makes a process a runner.
const Flag = "--command-runner"

// name is what process lists show of a runner, whatever program it is. The kernel
// takes 15 characters.
const name = "receptor-runner"

// Job is what a runner is told on its standard input.
type Job struct {
	Command string // one program, looked up in PATH
	Params  string // split like a shell splits words
	// Args are given to a worker of ours instead of Params. Its last line on
	// standard error says why it failed.
	Args []string
	Env  []string // more of the environment
	// Grace is how long the command may take to end after SIGINT; 0 means 10 s.
	Grace time.Duration
	// MaxOutput stops a command that writes more to standard output and error; 0
	// for no limit.
	MaxOutput int64
}

// Processes is a line of runner.json; the last whole one holds.
type Processes struct {
	Runner  process.Identity
	Command process.Identity // leads its process group; zero before it is started
}

// ReadProcesses returns who runs the unit, and whether anybody ever did.
func ReadProcesses(d store.Dir) (Processes, bool, error) {
	text, err := os.ReadFile(d.RunnerFile())
	if errors.Is(err, fs.ErrNotExist) {
		return Processes{}, false, nil
	}
	return lastProcesses(text, err)
}

func lastProcesses(text []byte, err error) (last Processes, known bool, _ error) {
	for line := range bytes.Lines(text) {
		var p Processes
		if torn := json.Unmarshal(line, &p); torn != nil {
			err = fmt.Errorf("read who runs the unit: %w", torn)
			continue
		}
		last, known = p, true
	}
	if known {
		return last, true, nil // a line that was being written tells nothing yet
	}
	return last, false, err
}

// Child is a runner that this process started.
type Child struct {
	*process.Handle
	Identity process.Identity
}

// Start starts a runner for the unit. argv is the program to start it with.
func Start(argv []string, d store.Dir, job Job) (*Child, error) {
	path, err := exec.LookPath(argv[0])
	if err != nil && strings.Contains(argv[0], "/") {
		path, err = argv[0], nil // the kernel says better why it can't be executed
	}
	if err != nil {
		return nil, err
	}
	input, err := jobFile(job)
	if err != nil {
		return nil, err
	}
	defer input.Close()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	args := append([]string{name}, argv[1:]...) // argv[0] is a path that says nothing
	pid, err := spawn(path, append(args, Flag, "unitdir="+d.Path()), &syscall.ProcAttr{
		Files: descriptors(input, null, null), Env: os.Environ(), Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return nil, err
	}
	h, id, err := process.OpenChild(pid)
	if err != nil {
		return nil, errors.Join(err, syscall.Kill(pid, syscall.SIGKILL), reap(pid))
	}
	return &Child{Handle: h, Identity: id}, nil
}

// spawn starts a program. Not os.StartProcess: in each new process it tries first,
// with a child of its own, what the kernel can do.
func spawn(path string, args []string, attr *syscall.ProcAttr) (int, error) {
	pid, err := syscall.ForkExec(path, args, attr)
	if err != nil {
		return 0, &os.PathError{Op: "fork/exec", Path: path, Err: err}
	}
	return pid, nil
}

// descriptors are valid as long as the files are open.
func descriptors(files ...*os.File) []uintptr {
	fds := make([]uintptr, len(files))
	for i, f := range files {
		fds[i] = f.Fd()
	}
	return fds
}

// Reap takes the end of a child whose Wait has returned.
func (c *Child) Reap() error { return reap(c.Identity.Pid) }

// reap waits for a child. How it exited is not our business: the status says.
func reap(pid int) error {
	for {
		_, err := syscall.Wait4(pid, nil, 0, nil)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// jobFile holds the job in memory: never on disk, and complete for the runner
// even if this process dies now.
func jobFile(job Job) (*os.File, error) {
	text, err := json.Marshal(job)
	if err != nil {
		return nil, err
	}
	fd, err := unix.MemfdCreate("job", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make job: %w", err)
	}
	f := os.NewFile(uintptr(fd), "job")
	if _, err = f.Write(text); err == nil {
		_, err = f.Seek(0, 0)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
