//go:build !linux

package tcp

import "net"

// limitUnsent is for Linux; elsewhere the size of the send buffer is the limit.
func limitUnsent(*net.TCPConn) error { return nil }
