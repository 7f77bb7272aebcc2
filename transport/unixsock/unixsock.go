// Package unixsock listens on Unix sockets whose path belongs to one daemon at a
// time, and whose mode holds from the first moment.
package unixsock

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"receptor/transport"
)

// Listen binds a Unix socket. A lock file beside it (path.lock, never
// removed) keeps other daemons off. A socket left over from a dead process is
// replaced; anything else at the path is left alone and is an error. Nobody can
// connect to the socket before it has its mode.
func Listen(path string, mode fs.FileMode) *transport.Binding[transport.StreamListener] {
	return transport.NewBinding(func() (transport.StreamListener, error) {
		l, err := lockAndBind(path, mode)
		if err != nil {
			return nil, fmt.Errorf("error opening Unix socket: %w", err)
		}
		return l, nil
	})
}

// listener is a socket file, and the lock that makes it ours.
type listener struct {
	socket *net.UnixListener
	path   string
	file   fs.FileInfo // of the socket as it was bound
	lock   *os.File
}

func lockAndBind(path string, mode fs.FileMode) (*listener, error) {
	if strings.HasPrefix(path, "@") {
		path = "./" + path // without a file name there are no permissions
	}
	lock, err := acquireLock(path + ".lock")
	if err != nil {
		return nil, fmt.Errorf("could not acquire lock on socket file: %w%s", err, lockHint(path, err))
	}
	l := &listener{path: path, lock: lock}
	if err := l.bind(mode); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return l, nil
}

func (l *listener) bind(mode fs.FileMode) error {
	if err := removeStale(l.path); err != nil {
		return fmt.Errorf("could not overwrite socket file: %w", err)
	}
	socket, err := listenWithMode(l.path, mode)
	if err != nil {
		return fmt.Errorf("could not listen on socket file: %w%s", err, bindHint(l.path))
	}
	l.socket = socket
	l.socket.SetUnlinkOnClose(false) // Close looks first whether it is still ours
	err = os.Chmod(l.path, mode)
	if err == nil {
		l.file, err = os.Lstat(l.path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("error setting socket file permissions: %w", err), socket.Close(), os.Remove(l.path))
	}
	return nil
}

// listenWithMode binds a socket whose file never has more than mode: that of an
// unbound socket is the mode of its file once it is bound, but for what the umask
// takes away.
func listenWithMode(path string, mode fs.FileMode) (*net.UnixListener, error) {
	early := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var chmod error
		err := raw.Control(func(fd uintptr) { chmod = unix.Fchmod(int(fd), uint32(mode.Perm())) })
		return errors.Join(err, chmod)
	}}
	socket, err := early.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, err
	}
	return socket.(*net.UnixListener), nil
}

var errLocked = errors.New("fslock is already locked")

// lockHint says where a lock can't be had, and what may be done about it.
func lockHint(path string, err error) string {
	switch {
	case errors.Is(err, errLocked):
		return fmt.Sprintf(" (another process serves %s: stop it, or give this one another file)", path)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf(" (the folder of %s has to be there before)", path)
	}
	return fmt.Sprintf(" (%s.lock is made beside the socket)", path)
}

// longest is how long the path of a socket may be: the kernel says no more than that
// it is invalid.
const longest = len(unix.RawSockaddrUnix{}.Path) - 1

func bindHint(path string) string {
	if len(path) <= longest {
		return ""
	}
	return fmt.Sprintf(" (the path has %d bytes, at most %d are possible)", len(path), longest)
}

// acquireLock takes the lock without waiting.
func acquireLock(path string) (*os.File, error) {
	fd, err := unix.Open(path, unix.O_CREAT|unix.O_RDONLY|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), path)
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = errLocked
		}
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// removeStale removes a socket on which nobody listens.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s is not a socket", path)
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		return errors.Join(fmt.Errorf("%s is in use by another program", path), conn.Close())
	}
	if !errors.Is(err, unix.ECONNREFUSED) {
		return fmt.Errorf("%s may be in use: %w", path, err)
	}
	return os.Remove(path)
}

// Accept returns the next client.
func (l *listener) Accept() (transport.StreamConn, error) {
	conn, err := l.socket.AcceptUnix()
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// Addr is the path of the socket.
func (l *listener) Addr() net.Addr { return l.socket.Addr() }

// Close removes the socket if it is still ours, and lets go of the lock last.
func (l *listener) Close() error {
	var gone error
	if now, err := os.Lstat(l.path); err == nil && os.SameFile(now, l.file) {
		gone = os.Remove(l.path)
	}
	return errors.Join(gone, l.socket.Close(), l.lock.Close())
}
