package socket

import (
	"net"
	"time"

	"golang.org/x/sys/unix"

	"receptor/transport"
)

// Path is what the kernel knows of the way to the far end; ok is false if stream is
// no TCP connection, or TLS on one.
func Path(stream net.Conn) (p transport.Path, ok bool) {
	if secure, is := stream.(*TLS); is {
		stream = secure.burst.Conn
	}
	conn, is := stream.(*net.TCPConn)
	if !is {
		return p, false
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return p, false // closed
	}
	var info *unix.TCPInfo
	var failed error
	err = raw.Control(func(fd uintptr) { info, failed = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) })
	if err != nil || failed != nil {
		return p, false
	}
	return transport.Path{
		RTT: microseconds(info.Rtt), Jitter: microseconds(info.Rttvar), MinRTT: microseconds(info.Min_rtt),
		Sent: uint64(info.Segs_out), Resent: uint64(info.Total_retrans),
	}, true
}

func microseconds(n uint32) time.Duration { return time.Duration(n) * time.Microsecond }
