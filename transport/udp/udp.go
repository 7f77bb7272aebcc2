// Package udp carries frames between neighbours over UDP: one datagram is one
// message, without framing, without acknowledgement. What is lost or overtaken is
// the business of the layers above. A link that is closed says so with a reject,
// for there is no other sign of it: the neighbour would go on sending into the void
// until its idle limit.
//
//	Dialer ──► a connected socket of its own
//	Listener ─ one socket for all ─┬─► link by remote address: inbox ─► ReadFrame
//	                               └─► ...
//
// Messages of the same length travel in runs where the kernel can (GSO, GRO): the
// neighbour gets single datagrams, but a run costs one system call and one walk
// through the network stack. On loopback that is 25 times as fast as one by one,
// where sendmmsg and recvmmsg gain a third.
package udp

import (
	"errors"
	"fmt"
	"net"
	"syscall"

	"receptor/transport/frame"
)

const (
	// MaxFrame is the longest message an IPv4 packet carries, in bytes.
	MaxFrame = 65507
	// maxPacket is what one read may bring: the longest packet, or a run of them.
	maxPacket = 1<<16 - 1
	// socketBuffer is what may wait to be read; the kernel grants what it can. A
	// burst of many neighbours fits.
	socketBuffer = 4 << 20
)

// ErrTooLong is a message that no packet carries.
var ErrTooLong = errors.New("longer than the 65507 bytes of a UDP packet")

// checkLengths refuses a batch before anything of it is sent.
func checkLengths(batch []*frame.Buf, remote string) error {
	for _, f := range batch {
		if f.Len() > MaxFrame {
			return fmt.Errorf("message of %d bytes to %s: %w", f.Len(), remote, ErrTooLong)
		}
	}
	return nil
}

// lost says whether a datagram that could not be sent is to be taken for one that
// was lost on its way: a filter dropped it, or there was no room.
func lost(err error) bool {
	return errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOBUFS) || errors.Is(err, syscall.EMSGSIZE)
}

// closeSocket closes. Closing twice is no error.
func closeSocket(conn *net.UDPConn) error {
	if err := conn.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// farewell judges what came of the last message of a link. That it could not be
// sent is no wonder where the link broke, and nothing can be done about it.
func farewell(err error) error {
	var failed syscall.Errno
	if errors.As(err, &failed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
