package runner

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"receptor/actors/work/process"
	"receptor/actors/work/unit"
)

const (
	defaultGrace = 10 * time.Second
	// After SIGKILL only a process stuck in the kernel is still there.
	killWait   = 10 * time.Second
	checkEvery = 50 * time.Millisecond
)

// ended is a child, or an orphan we adopted, that has ended.
type ended struct {
	pid  int
	exit syscall.WaitStatus
}

// reapAll takes the children that have ended, and says whether any is left.
func reapAll() (dead []ended, left bool) {
	for {
		var exit syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &exit, syscall.WNOHANG, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return dead, false
		case pid == 0:
			return dead, true
		default:
			dead = append(dead, ended{pid, exit})
		}
	}
}

// commandExit finds the command among the dead.
func (r *run) commandExit(dead []ended) (syscall.WaitStatus, bool) {
	for _, e := range dead {
		if e.pid == r.who.Command.Pid {
			return e.exit, true
		}
	}
	return 0, false
}

// follow waits for the command, or stops it when told to.
func (r *run) follow() int {
	show := time.NewTimer(showRunning)
	defer show.Stop()
	measure := r.measure()
	defer measure.Stop()
	for {
		select {
		case <-measure.C:
			if r.tooMuch() {
				return r.stopBecause(r.tooMuchText())
			}
		case <-r.died:
			dead, _ := reapAll()
			if exit, ok := r.commandExit(dead); ok {
				return r.commandEnded(exit)
			}
		case <-show.C:
			if err := r.saveRunning(); err != nil {
				show.Reset(time.Second) // a full disk may have room again
			}
		case <-r.signals:
			return r.stop()
		}
	}
}

// doneText is how a command succeeded. Not all commands look whether their output
// was taken.
func (r *run) doneText(exit syscall.WaitStatus) string {
	text := exitText(exit)
	if r.job.Args != nil {
		text = "Complete"
	}
	if diskFull(r.dir.Path()) {
		text += ": " + unix.ENOSPC.Error() + ", output may be incomplete"
	}
	return text
}

// failedText is how a command ended and what it said last. A worker of ours says
// all there is to say.
func (r *run) failedText(exit syscall.WaitStatus) string {
	tail := stderrTail(r.dir.Stderr())
	if i := strings.LastIndex(tail, "; Error "); r.job.Args != nil && i >= 0 {
		return tail[i+len("; "):]
	}
	if tail == "" {
		return exitText(exit)
	}
	return exitText(exit) + ": " + tail
}

// outputEvery is how often the output of a command with a limit is measured.
const outputEvery = 50 * time.Millisecond

func (r *run) measure() *time.Ticker {
	t := time.NewTicker(outputEvery)
	if r.job.MaxOutput == 0 {
		t.Stop()
	}
	return t
}

func (r *run) tooMuch() bool {
	return r.job.MaxOutput > 0 && r.dir.OutputSize()+r.dir.ErrorSize() > r.job.MaxOutput
}

func (r *run) tooMuchText() string {
	return fmt.Sprintf("output is larger than the limit of %d bytes; the command was stopped", r.job.MaxOutput)
}

func (r *run) commandEnded(exit syscall.WaitStatus) int {
	if r.tooMuch() {
		r.finish(unit.Failed, fmt.Sprintf("output is larger than the limit of %d bytes", r.job.MaxOutput))
		return exitFailed
	}
	if exit.Exited() && exit.ExitStatus() == 0 {
		r.finish(unit.Succeeded, r.doneText(exit))
		return 0
	}
	detail := r.failedText(exit)
	if diskFull(r.dir.Path()) {
		detail += ": " + unix.ENOSPC.Error()
	}
	r.finish(unit.Failed, detail)
	if exit.Exited() {
		return exit.ExitStatus()
	}
	return exitFailed
}

// stop ends the whole process group, kindly first, and then whatever the command
// has left below us. When the command has ended, what it left is told by
// SIGTERM: shells start background jobs that ignore SIGINT.
func (r *run) stop() int {
	return r.stopBecause(unit.DetailKilled)
}

// stopBecause fails the unit with that reason, unless it was canceled.
func (r *run) stopBecause(reason string) int {
	grace := r.job.Grace
	if grace == 0 {
		grace = defaultGrace
	}
	r.signalGroup(syscall.SIGINT)
	r.signalGroup(syscall.SIGCONT) // who was stopped hears nothing
	left := r.waitEmpty(grace)
	if left > 0 {
		r.signalGroup(syscall.SIGKILL)
		r.signalBelow(syscall.SIGKILL)
		left = r.waitEmpty(killWait)
	}
	switch {
	case left > 0:
		r.finish(unit.Failed, unit.NotStopped(left))
	case r.dir.Cancelled():
		r.finish(unit.Canceled, unit.DetailCanceled)
	default:
		r.finish(unit.Failed, reason)
	}
	return exitFailed
}

// signalGroup is safe: the number of the group is not given away while the
// group, or its unreaped leader, exists.
func (r *run) signalGroup(sig syscall.Signal) {
	if err := syscall.Kill(-r.who.Command.Pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		fmt.Fprintln(os.Stderr, "receptor: command runner: signal group:", err)
	}
}

func (r *run) signalBelow(sig syscall.Signal) {
	if _, err := process.SignalBelow(r.who.Runner, sig); err != nil {
		fmt.Fprintln(os.Stderr, "receptor: command runner: signal all below:", err)
	}
}

// waitEmpty waits until no living process is below us, and returns how
// many there are when the time is over.
func (r *run) waitEmpty(limit time.Duration) int {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	check := time.NewTicker(checkEvery)
	defer check.Stop()
	for {
		members, err := process.Below(r.who.Runner)
		if err == nil && len(members) == 0 {
			return 0
		}
		select {
		case <-r.died:
			dead, left := reapAll()
			if !left {
				return 0 // orphans would be ours
			}
			if _, ok := r.commandExit(dead); ok {
				r.signalBelow(syscall.SIGTERM)
			}
		case <-check.C:
		case <-deadline.C:
			return max(len(members), 1)
		}
	}
}

// finish records the end. It keeps trying while the disk refuses: nobody else
// knows what happened. When the unit has been released, nobody wants to know.
func (r *run) finish(state unit.State, detail string) {
	final := r.record
	final.State, final.Detail, final.Local = state, detail, nil
	for {
		err := r.dir.SyncOutput()
		final.StdoutSize = r.dir.OutputSize()
		if err == nil {
			err = r.dir.Save(final)
		}
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return
		}
		select {
		case <-time.After(time.Second):
		case <-r.signals:
			return
		}
	}
}
