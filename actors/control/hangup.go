package control

import (
	"errors"
	"io"
	"syscall"

	"golang.org/x/sys/unix"
)

// minding runs do while the rest of the client's input is thrown away, and ends
// the session's context when the client is gone. A client that only closed its
// side of the connection is not: it still reads.
func (s *session) minding(do func() error) error {
	s.wg.Go(func() {
		_, err := io.Copy(io.Discard, s.in.r)
		if err == nil && !s.hungUp() {
			return // whether it is there shows at the next write
		}
		s.cancel()
	})
	return do()
}

// hungUp waits after the end of input until the client has closed its other side
// too. It returns false if that can't be seen on this kind of connection, and
// when the session closes it.
func (s *session) hungUp() bool {
	sys, ok := s.conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := sys.SyscallConn()
	if err != nil {
		return false
	}
	gone := false
	err = raw.Read(func(fd uintptr) bool {
		gone = isHungUp(fd)
		return gone
	})
	return gone && err == nil
}

// left reports whether the client has closed both sides of the connection, where
// that can be seen.
func (s *session) left() bool {
	sys, ok := s.conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := sys.SyscallConn()
	if err != nil {
		return false
	}
	gone := false
	err = raw.Control(func(fd uintptr) { gone = isHungUp(fd) })
	return gone && err == nil
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
