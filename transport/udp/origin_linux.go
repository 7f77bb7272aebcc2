package udp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// A socket that is bound to no address sends from whichever the kernel likes best.
// Where the host has several, as most have with IPv6, that is often not the one which
// the neighbour dialled, and a connected socket takes nothing from others. So who
// comes by one address is answered from there.

// askDestination has the kernel tell to which address something was sent. One that
// can't works as well, where a host has one address.
func askDestination(conn *net.UDPConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		level, option := unix.IPPROTO_IP, unix.IP_PKTINFO
		if domain, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_DOMAIN); err == nil && domain == unix.AF_INET6 {
			level, option = unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO // tells of IPv4, too
		}
		failed = unix.SetsockoptInt(int(fd), level, option, 1)
	})
	if failed != nil && !errors.Is(failed, unix.ENOPROTOOPT) {
		err = errors.Join(err, fmt.Errorf("ask for the destination of datagrams: %w", failed))
	}
	return err
}

// origin is the control message that has an answer sent from where the message with
// this one was sent to; nil if that is not known.
func origin(control []byte) []byte {
	for len(control) >= unix.CmsgLen(0) {
		h, data, rest, err := unix.ParseOneSocketControlMessage(control)
		if err != nil {
			return nil
		}
		switch {
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
			return origin6(unix.Inet6Pktinfo{Addr: [16]byte(data), Ifindex: binary.NativeEndian.Uint32(data[16:])})
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo:
			return unix.PktInfo4(&unix.Inet4Pktinfo{Spec_dst: [4]byte(data[4:])})
		}
		control = rest
	}
	return nil
}

// origin6 leaves the way back to the routes, unless only one interface has the
// address.
func origin6(info unix.Inet6Pktinfo) []byte {
	switch addr := netip.AddrFrom16(info.Addr); {
	case addr.IsMulticast():
		return nil
	case !addr.IsLinkLocalUnicast():
		info.Ifindex = 0
	}
	return unix.PktInfo6(&info)
}

// homeless says that this host can't send from an address, or no longer.
func homeless(err error) bool {
	for _, known := range []error{syscall.EINVAL, syscall.EADDRNOTAVAIL, syscall.ENODEV, syscall.ENETUNREACH} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}
