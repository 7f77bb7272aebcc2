//go:build !linux

package socket

import "net"

// LimitUnsent is for Linux; elsewhere the size of the send buffer is the limit.
func LimitUnsent(net.Conn) error { return nil }
