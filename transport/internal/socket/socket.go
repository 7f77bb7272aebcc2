// Package socket is what the transports over IP have in common: how an address
// is written, options of sockets, and TLS that writes a batch at once.
package socket

import (
	"net"
	"net/netip"
	"strings"
	"time"
)

// DialTimeout bounds one attempt to connect, with all its handshakes; without it
// a silent host costs minutes.
const DialTimeout = 15 * time.Second

// Split splits host:port. An IPv6 literal may come with or without brackets.
func Split(addr string) (host, port string, err error) {
	host, port, err = net.SplitHostPort(addr)
	if err == nil {
		return host, port, nil
	}
	i := strings.LastIndexByte(addr, ':')
	if i < 0 {
		return "", "", err
	}
	ip, bad := netip.ParseAddr(strings.Trim(addr[:i], "[]"))
	if bad != nil || !ip.Is6() {
		return "", "", err
	}
	return ip.String(), addr[i+1:], nil
}

// Join is host:port as package net reads it, an IPv6 literal in brackets.
func Join(addr string) (string, error) {
	host, port, err := Split(addr)
	if err != nil {
		return "", err
	}
	return net.JoinHostPort(host, port), nil
}

// Name is <kind>:<addr>, the address as Join writes it where it can.
func Name(kind, addr string) string {
	if joined, err := Join(addr); err == nil {
		addr = joined
	}
	return kind + ":" + addr
}
