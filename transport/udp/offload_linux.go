package udp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// segmentSpace is for the control message of a run, controlSpace for all that comes
// with what is received: the length of a run, and the address it was sent to.
var (
	segmentSpace = unix.CmsgSpace(2)
	controlSpace = unix.CmsgSpace(4) + unix.CmsgSpace(unix.SizeofInet6Pktinfo)
)

// prepare sets the socket's options, and says whether the kernel sends runs. One
// that knows nothing of them works as well, only slower.
func prepare(conn *net.UDPConn) (runs bool, err error) {
	if err := conn.SetReadBuffer(socketBuffer); err != nil {
		return false, fmt.Errorf("set the receive buffer: %w", err)
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return false, err
	}
	var gro, gso error
	err = raw.Control(func(fd uintptr) {
		gro = unix.SetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_GRO, 1)
		_, gso = unix.GetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_SEGMENT)
	})
	if gro != nil && !errors.Is(gro, unix.ENOPROTOOPT) {
		err = errors.Join(err, fmt.Errorf("receive runs of datagrams: %w", gro))
	}
	return gso == nil, err
}

// segmented is a control message in b: cut what is sent every size bytes.
func segmented(b []byte, size int) []byte {
	b = b[:segmentSpace]
	h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
	h.Level, h.Type = unix.IPPROTO_UDP, unix.UDP_SEGMENT
	h.SetLen(unix.CmsgLen(2))
	binary.NativeEndian.PutUint16(b[unix.CmsgLen(0):], uint16(size))
	return b
}

// segmentSize is how long the datagrams are that were received as a run, 0 for a
// single one.
func segmentSize(control []byte) int {
	for len(control) >= unix.CmsgLen(0) {
		h, data, rest, err := unix.ParseOneSocketControlMessage(control)
		if err != nil {
			return 0
		}
		if h.Level == unix.IPPROTO_UDP && h.Type == unix.UDP_GRO && len(data) >= 4 {
			return int(binary.NativeEndian.Uint32(data))
		}
		control = rest
	}
	return 0
}

// unfit says that messages of this length can't be sent in a run here: they are
// longer than the path takes, or the device can't.
func unfit(err error) bool {
	for _, known := range []error{syscall.EINVAL, syscall.EMSGSIZE, syscall.EIO, syscall.EOPNOTSUPP} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}
