// Package terminal runs a program on a pseudo-terminal of its own.
//
//	Write ────► master ══ line discipline ══ slave ────► program, its children
//	Read  ◄────                                    ◄────
//
// The program leads a session and a process group. When it ends, what it wrote is
// still there to be read, and its group is killed. When the terminal is closed
// the program is hung up, and killed if it stays.
package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

const (
	rows, columns = 24, 80
	// hangupGrace is how long a program may tidy up after it was hung up.
	hangupGrace = time.Second
	// End of input is repeated after endRepeat, then less and less often.
	endRepeat    = 250 * time.Millisecond
	endRepeatMax = 8 * time.Second
)

// Terminal is a program and the terminal on which it runs. One goroutine reads,
// one writes; Close may be called by any.
type Terminal struct {
	master *os.File
	cmd    *exec.Cmd
	ended  chan struct{} // closed when the program has ended and was reaped

	closing  sync.Once
	mu       sync.Mutex // guards reaped: a number that was reaped may be another's
	reaped   bool
	exit     error // how the program ended; set before ended is closed
	midLine  bool  // the last thing written was not the end of a line; only the writer
	endsSent int   // only the writer
}

// Start runs a program.
func Start(argv []string) (*Terminal, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	blocking, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: rows, Cols: columns})
	if err != nil {
		return nil, err
	}
	t := &Terminal{cmd: cmd, ended: make(chan struct{})}
	t.master, err = pollable(blocking)
	if err != nil {
		t.signal(unix.SIGKILL)
		return nil, errors.Join(err, blocking.Close(), cmd.Wait())
	}
	go t.reap()
	return t, nil
}

// pollable makes the file one whose Close wakes who reads.
func pollable(f *os.File) (*os.File, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("duplicate %s: %w", f.Name(), err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, errors.Join(fmt.Errorf("unblock %s: %w", f.Name(), err), unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), f.Name()), f.Close()
}

// reap waits for the program, kills what it left behind in its group, and wakes
// the reader.
func (t *Terminal) reap() {
	err := awaitExit(t.cmd.Process.Pid)
	t.signal(unix.SIGKILL)
	t.mu.Lock()
	t.exit = errors.Join(err, t.cmd.Wait())
	t.reaped = true
	t.mu.Unlock()
	_ = t.master.SetReadDeadline(time.Unix(1, 0)) // a closed file has no reader to wake
	close(t.ended)
}

// awaitExit returns when the child has ended. It is not reaped, so that its number
// still names its group.
func awaitExit(pid int) error {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// signal reaches the whole group, as long as it is known to be ours.
func (t *Terminal) signal(sig syscall.Signal) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.reaped {
		_ = unix.Kill(-t.cmd.Process.Pid, sig) // a group that is gone needs no signal
	}
}

// Read returns what the program, or the echo, has written. After the end of the
// program it returns the rest, then io.EOF: background processes that still have
// the terminal open are not waited for.
func (t *Terminal) Read(b []byte) (int, error) {
	select {
	case <-t.ended:
		return t.rest(b)
	default:
	}
	n, err := t.master.Read(b)
	switch {
	case n > 0:
		return n, nil
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, unix.EIO), errors.Is(err, io.EOF):
		<-t.ended // nobody has the terminal open, or the program has ended
		return t.rest(b)
	default:
		return 0, err
	}
}

// rest reads without waiting. The kernel makes all that was written before
// readable first.
func (t *Terminal) rest(b []byte) (int, error) {
	if err := t.master.SetReadDeadline(time.Time{}); err != nil {
		return 0, err
	}
	raw, err := t.master.SyscallConn()
	if err != nil {
		return 0, err
	}
	var n int
	var failed error
	err = raw.Read(func(fd uintptr) bool {
		n, failed = unix.Read(int(fd), b)
		return !errors.Is(failed, unix.EINTR)
	})
	if err != nil {
		return 0, err
	}
	if n > 0 {
		return n, nil
	}
	return 0, io.EOF // EIO: the terminal is closed; EAGAIN: it is silent
}

// Write is what somebody types. It waits while the program reads nothing.
func (t *Terminal) Write(b []byte) (int, error) {
	n, err := t.master.Write(b)
	if n > 0 {
		t.midLine = b[n-1] != '\n'
	}
	return n, err
}

// EndInput types end-of-file, and again as long as the program runs: it may have
// thrown away what was typed ahead, and an input that has ended ends for
// everybody who reads it. It returns with the end of the program, or when the
// terminal is closed.
func (t *Terminal) EndInput(ctx context.Context) error {
	for wait := endRepeat; ; wait = min(2*wait, endRepeatMax) {
		if err := t.typeEnd(); err != nil {
			return err
		}
		again := time.NewTimer(wait)
		select {
		case <-again.C:
		case <-t.ended:
			again.Stop()
			return nil
		case <-ctx.Done():
			again.Stop()
			return ctx.Err()
		}
	}
}

// typeEnd types the character that means end-of-file now. In the middle of a line
// the first one only ends the line.
func (t *Terminal) typeEnd() error {
	mode, err := t.mode()
	if err != nil {
		return err
	}
	end := []byte{mode.Cc[unix.VEOF]}
	if t.midLine && t.endsSent == 0 && mode.Lflag&unix.ICANON != 0 {
		end = append(end, end[0])
	}
	t.endsSent++
	_, err = t.master.Write(end)
	return err
}

func (t *Terminal) mode() (mode *unix.Termios, err error) {
	raw, err := t.master.SyscallConn()
	if err != nil {
		return nil, err
	}
	var failed error
	err = raw.Control(func(fd uintptr) { mode, failed = unix.IoctlGetTermios(int(fd), unix.TCGETS) })
	return mode, errors.Join(err, failed)
}

// Exit is how the program ended, once it has.
func (t *Terminal) Exit() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.exit
}

// Close hangs up and returns when the program is gone.
func (t *Terminal) Close() error {
	var err error
	t.closing.Do(func() {
		t.signal(unix.SIGHUP)
		t.signal(unix.SIGCONT)
		err = t.master.Close() // hangs up what runs in the foreground, too
		grace := time.NewTimer(hangupGrace)
		defer grace.Stop()
		select {
		case <-t.ended:
		case <-grace.C:
			t.signal(unix.SIGKILL)
			<-t.ended
		}
	})
	return err
}
