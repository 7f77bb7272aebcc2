package process

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Handle is a hold on one process. Signals through it can't reach another one
// that was given the same number.
type Handle struct {
	file *os.File
	once sync.Once
}

// Open takes hold of a process, ErrGone if it does not live.
func Open(id Identity) (*Handle, error) {
	fd, err := unix.PidfdOpen(id.Pid, unix.PIDFD_NONBLOCK)
	if errors.Is(err, unix.ESRCH) {
		return nil, ErrGone
	}
	if err != nil {
		return nil, fmt.Errorf("open process %d: %w", id.Pid, err)
	}
	h := newHandle(fd, id.Pid)
	if !id.Alive() {
		h.Close()
		return nil, ErrGone
	}
	return h, nil
}

// OpenChild takes hold of a child that nobody has waited for yet, even if it has
// ended already.
func OpenChild(pid int) (*Handle, Identity, error) {
	id, err := OfChild(pid)
	if err != nil {
		return nil, id, err
	}
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if err != nil {
		return nil, Identity{}, fmt.Errorf("open process %d: %w", pid, err)
	}
	return newHandle(fd, pid), id, nil
}

func newHandle(fd, pid int) *Handle {
	return &Handle{file: os.NewFile(uintptr(fd), fmt.Sprintf("pidfd:%d", pid))}
}

// Signal sends a signal, ErrGone if the process has ended.
func (h *Handle) Signal(sig syscall.Signal) error {
	raw, err := h.file.SyscallConn()
	if err != nil {
		return err
	}
	var sent error
	if err := raw.Control(func(fd uintptr) { sent = unix.PidfdSendSignal(int(fd), sig, nil, 0) }); err != nil {
		return err
	}
	if errors.Is(sent, unix.ESRCH) {
		return ErrGone
	}
	return sent
}

// Wait returns when the process has ended, or with an error after Close. It
// costs a goroutine, not a thread.
func (h *Handle) Wait() error {
	raw, err := h.file.SyscallConn()
	if err != nil {
		return err
	}
	return raw.Read(func(fd uintptr) bool {
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(poll, 0)
		return err == nil && n > 0
	})
}

// Close lets go and wakes Wait.
func (h *Handle) Close() {
	h.once.Do(func() { h.file.Close() })
}
