package runner

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
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

// Processes is the content of runner.json.
type Processes struct {
	Runner  process.Identity
	Command process.Identity // leads its process group; zero before it is started
}

// ReadProcesses returns who runs the unit, and whether anybody ever did.
func ReadProcesses(d store.Dir) (Processes, bool, error) {
	var p Processes
	text, err := os.ReadFile(d.RunnerFile())
	if errors.Is(err, fs.ErrNotExist) {
		return p, false, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	return p, err == nil, err
}

// Child is a runner that this process started.
type Child struct {
	*process.Handle
	Identity process.Identity
	cmd      *exec.Cmd
}

// Start starts a runner for the unit. argv is the program to start it with.
func Start(argv []string, d store.Dir, job Job) (*Child, error) {
	input, err := jobFile(job)
	if err != nil {
		return nil, err
	}
	defer input.Close()
	cmd := exec.Command(argv[0], append(append([]string{}, argv[1:]...), Flag, "unitdir="+d.Path())...)
	cmd.Args[0] = name // argv[0] is a path that says nothing
	cmd.Stdin = input
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	h, id, err := process.OpenChild(cmd.Process.Pid)
	if err != nil {
		return nil, errors.Join(err, cmd.Process.Kill(), reap(cmd))
	}
	return &Child{Handle: h, Identity: id, cmd: cmd}, nil
}

// Reap takes the end of a child whose Wait has returned.
func (c *Child) Reap() error { return reap(c.cmd) }

// reap waits for the child. How it exited is not our business: the status says.
func reap(cmd *exec.Cmd) error {
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		return err
	}
	return nil
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
