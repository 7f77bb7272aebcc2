package socket

import (
	"errors"
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// maxUnsent is how much the kernel takes from us before it could send it. The
// send buffer grows to megabytes on its own, and what is in there no routing
// message can overtake; two batches are enough to keep the wire busy.
const maxUnsent = 256 << 10

// LimitUnsent bounds what waits in the kernel, so that order and fairness stay
// with the egress queue. What is no TCP connection is left as it is.
func LimitUnsent(stream net.Conn) error {
	conn, ok := stream.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return fmt.Errorf("limit the unsent data: %w", err)
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, maxUnsent)
	})
	if err == nil {
		err = failed
	}
	if errors.Is(err, unix.ENOPROTOOPT) {
		return nil // a kernel that does not know it works as well, only with more delay
	}
	if err != nil {
		return fmt.Errorf("limit the unsent data: %w", err)
	}
	return nil
}
