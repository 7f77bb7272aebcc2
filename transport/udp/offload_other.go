//go:build !linux

package udp

import (
	"fmt"
	"net"
)

const segmentSpace, controlSpace = 0, 0

// prepare sets the socket's options. Runs of datagrams are for Linux.
func prepare(conn *net.UDPConn) (runs bool, err error) {
	if err := conn.SetReadBuffer(socketBuffer); err != nil {
		return false, fmt.Errorf("set the receive buffer: %w", err)
	}
	return false, nil
}

func segmented([]byte, int) []byte { return nil }

func segmentSize([]byte) int { return 0 }

func unfit(error) bool { return false }
