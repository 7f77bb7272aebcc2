package iproute

import (
	"encoding/binary"
	"net/netip"
)

// Sizes and positions in the headers of IP.
const (
	v4Header, v6Header = 20, 40
	v4Length, v6Length = 2, 4
	v4To, v6To         = 16, 24
)

// Destination is where a packet goes. It is false for what is no IP packet: too
// short for its header, or for the length that the header names.
func Destination(packet []byte) (netip.Addr, bool) {
	if len(packet) == 0 {
		return netip.Addr{}, false
	}
	switch packet[0] >> 4 {
	case 4:
		return destination4(packet)
	case 6:
		return destination6(packet)
	}
	return netip.Addr{}, false
}

func destination4(packet []byte) (netip.Addr, bool) {
	if len(packet) < v4Header {
		return netip.Addr{}, false
	}
	header := int(packet[0]&0x0f) * 4
	length := int(binary.BigEndian.Uint16(packet[v4Length:]))
	if header < v4Header || length < header || length > len(packet) {
		return netip.Addr{}, false
	}
	return netip.AddrFrom4([4]byte(packet[v4To:v4Header])), true
}

func destination6(packet []byte) (netip.Addr, bool) {
	if len(packet) < v6Header {
		return netip.Addr{}, false
	}
	if int(binary.BigEndian.Uint16(packet[v6Length:])) > len(packet)-v6Header {
		return netip.Addr{}, false
	}
	return netip.AddrFrom16([16]byte(packet[v6To:v6Header])), true
}
