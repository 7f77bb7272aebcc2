//go:build linux

package lab

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"time"
)

const (
	echoReply   = 0
	echoRequest = 8
)

// Ping sends an ICMP echo request to another host and returns how long the answer
// took.
func (h *Host) Ping(ctx context.Context, to *Host) (took time.Duration, err error) {
	err = h.Do(func() error {
		conn, err := net.ListenPacket("ip4:icmp", h.V4.String())
		if err != nil {
			return err
		}
		defer conn.Close()
		if deadline, ok := ctx.Deadline(); ok {
			if err := conn.SetDeadline(deadline); err != nil {
				return err
			}
		}
		took, err = echo(conn, &net.IPAddr{IP: to.V4.AsSlice()})
		if err != nil {
			return fmt.Errorf("ping %s from %s: %w", to.V4, h.V4, err)
		}
		return nil
	})
	return took, err
}

// echo exchanges one packet:
//
//	┌──────┬──────┬──────────┬────────┬────────┬─────────┐
//	│ type │ code │ checksum │ ident  │ number │ payload │
//	└──────┴──────┴──────────┴────────┴────────┴─────────┘
func echo(conn net.PacketConn, to net.Addr) (time.Duration, error) {
	request := append([]byte{echoRequest, 0, 0, 0, 'r', 'c', 0, 1}, "from here to there"...)
	binary.BigEndian.PutUint16(request[2:], checksum(request))
	start := time.Now()
	if _, err := conn.WriteTo(request, to); err != nil {
		return 0, err
	}
	buf := make([]byte, 1500)
	for {
		n, _, err := conn.ReadFrom(buf)
		if err != nil {
			return 0, err
		}
		if n == len(request) && buf[0] == echoReply && bytes.Equal(buf[4:n], request[4:]) {
			return time.Since(start), nil
		}
	}
}

// checksum is that of the Internet protocols, of an even number of bytes.
func checksum(b []byte) uint16 {
	var sum uint32
	for i := 0; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
