package bridge

import (
	"errors"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// Unreader is a stream whose far end can say that it reads no more.
type Unreader interface {
	// Unread is closed when the far end has said so, or the own writing has ended.
	Unread() <-chan struct{}
}

// isGone waits, after the end of c's input, until its far end reads no more either.
// It returns false if that can't be seen on c, and when the other direction is over:
// over is closed and c has a read deadline.
func isGone(c net.Conn, over <-chan struct{}) bool {
	if u, ok := c.(Unreader); ok {
		select {
		case <-u.Unread():
			return true
		case <-over:
			return false
		}
	}
	return HungUp(c)
}

// HungUp waits, after the end of c's input, until the far end has closed its other
// side, too: at once on a Unix socket, on a TCP connection when its kernel says that
// nobody is there any more. It returns false when c is closed here or has passed a
// read deadline, and if c is no socket. Nobody may read c meanwhile.
func HungUp(c net.Conn) bool {
	raw := rawConn(c)
	if raw == nil {
		return false
	}
	gone := false
	err := raw.Read(func(fd uintptr) bool {
		gone = isHungUp(fd)
		return gone
	})
	return gone && err == nil
}

// HasHungUp is HungUp at this moment.
func HasHungUp(c net.Conn) bool {
	raw := rawConn(c)
	if raw == nil {
		return false
	}
	gone := false
	err := raw.Control(func(fd uintptr) { gone = isHungUp(fd) })
	return gone && err == nil
}

// rawConn is the socket of c, also beneath TLS: it is only looked at.
func rawConn(c net.Conn) syscall.RawConn {
	if t, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = t.NetConn()
	}
	sys, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sys.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

func isHungUp(fd uintptr) bool {
	poll := []unix.PollFd{{Fd: int32(fd)}}
	for {
		_, err := unix.Poll(poll, 0)
		if !errors.Is(err, unix.EINTR) {
			return poll[0].Revents&(unix.POLLHUP|unix.POLLERR) != 0
		}
	}
}
