package runner

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"github.com/google/shlex"
	"golang.org/x/sys/unix"

	"receptor/actors/work/process"
	"receptor/actors/work/store"
	"receptor/actors/work/unit"
)

// exitFailed is the exit code of a runner whose command never ran, or was stopped.
const exitFailed = 255

// Main is the whole life of a runner. The arguments are those after the flag.
func Main(args []string) int {
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(20)
	dir := ""
	for _, arg := range args {
		if path, ok := strings.CutPrefix(arg, "unitdir="); ok {
			dir = path
		}
	}
	if dir == "" {
		fmt.Fprintln(os.Stderr, "receptor: "+Flag+" needs unitdir=DIR; the daemon starts it")
		return exitFailed
	}
	if err := setName(); err != nil {
		fmt.Fprintln(os.Stderr, "receptor: command runner:", err)
	}
	r := &run{dir: store.At(dir)}
	r.job, r.told = jobOf(args)
	if err := r.claim(); err != nil {
		fmt.Fprintln(os.Stderr, "receptor: command runner:", err)
		return exitFailed
	}
	if err := r.start(); err != nil {
		text := err.Error()
		if r.job.Args != nil {
			text = "Error loading worker: " + text
		}
		r.finish(unit.Failed, text)
		return exitFailed
	}
	return r.follow()
}

// setName is for process lists: the program was started by a path without a name.
func setName() error {
	text, err := unix.BytePtrFromString(name)
	if err != nil {
		return err
	}
	return unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(text)), 0, 0, 0)
}

// run is one execution of one command.
type run struct {
	dir     store.Dir
	file    *os.File // runner.json, locked until the process ends
	record  unit.Record
	job     Job
	told    bool // the job, by the arguments
	who     Processes
	signals chan os.Signal
	died    chan os.Signal // says that children have ended, once for any number
}

// claim makes sure that this unit is run once, whatever happens to the daemons
// that start runners, and writes down who runs it.
func (r *run) claim() error {
	signal.Ignore(syscall.SIGHUP)
	r.signals = make(chan os.Signal, 4)
	r.died = make(chan os.Signal, 1)
	signal.Notify(r.signals, syscall.SIGINT, syscall.SIGTERM)
	signal.Notify(r.died, syscall.SIGCHLD)
	var err error
	if r.file, err = os.OpenFile(r.dir.RunnerFile(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600); err != nil {
		return err
	}
	if err = unix.Flock(int(r.file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return fmt.Errorf("another runner has the unit: %w", err)
	}
	_, ran, err := ReadProcesses(r.dir)
	if err != nil {
		return err
	}
	if ran {
		return errors.New("the unit has been run before")
	}
	if r.record, err = r.dir.Read(); err != nil {
		return err
	}
	if r.record.State != unit.Pending {
		return fmt.Errorf("the unit is %s already", r.record.State)
	}
	if r.who.Runner, err = process.Of(os.Getpid()); err == nil {
		err = r.writeProcesses()
	}
	if err != nil {
		r.finish(unit.Failed, unit.NotRun(err)) // the unit is ours, and nobody else knows why
	}
	return err
}

// writeProcesses adds a line; the last one holds.
func (r *run) writeProcesses() error {
	text, err := json.Marshal(r.who)
	if err != nil {
		return err
	}
	_, err = r.file.Write(append(text, '\n'))
	return err
}

// start starts the command. Its error texts are known to users of the existing
// system.
func (r *run) start() error {
	if !r.told {
		if err := r.readJob(); err != nil {
			return fmt.Errorf("read job: %w", err)
		}
	}
	words := r.job.Args
	if words == nil {
		var err error
		if words, err = shlex.Split(r.job.Params); err != nil {
			return err
		}
	}
	path, err := exec.LookPath(r.job.Command)
	if err != nil {
		return err
	}
	files, err := r.openFiles()
	if err != nil {
		return err
	}
	defer closeAll(files)
	// Orphans of the command become our children: nothing is left unseen.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("become subreaper: %w", err)
	}
	child, err := spawn(path, append([]string{r.job.Command}, words...), &syscall.ProcAttr{
		Files: descriptors(files...), Env: append(os.Environ(), r.job.Env...), Sys: &syscall.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		return err
	}
	return r.started(child)
}

func (r *run) readJob() error {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, &r.job)
}

// jobOf reads the job from arguments, as a daemon of the existing system gives it: one
// whose program was replaced by ours while it runs.
func jobOf(args []string) (job Job, told bool) {
	for _, arg := range args {
		switch key, value, _ := strings.Cut(arg, "="); key {
		case "command":
			job.Command, told = value, true
		case "params":
			job.Params = value
		}
	}
	return job, told
}

func (r *run) started(child int) error {
	id, err := process.OfChild(child)
	if err != nil {
		return err
	}
	r.who.Command = id
	if err := r.writeProcesses(); err != nil {
		fmt.Fprintln(os.Stderr, "receptor: command runner:", err) // the session is identity enough
	}
	return nil
}

func (r *run) openFiles() ([]*os.File, error) {
	var files []*os.File
	for _, f := range []struct {
		path string
		flag int
	}{
		{r.dir.Stdin(), os.O_RDONLY},
		{r.dir.Stdout(), os.O_CREATE | os.O_WRONLY | os.O_APPEND},
		{r.dir.Stderr(), os.O_CREATE | os.O_WRONLY | os.O_APPEND},
	} {
		file, err := os.OpenFile(f.path, f.flag, 0o600)
		if err != nil {
			closeAll(files)
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// showRunning is how long a command runs before its status says so; most are
// done by then.
const showRunning = 250 * time.Millisecond

func (r *run) saveRunning() error {
	running := r.record
	running.State = unit.Running
	running.Detail = fmt.Sprintf("Running: PID %d", r.who.Command.Pid)
	running.StdoutSize = r.dir.OutputSize()
	running.Local = &unit.LocalData{Pid: r.who.Runner.Pid, Params: r.job.Params}
	return r.dir.Save(running)
}
