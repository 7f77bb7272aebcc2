package udp

import (
	"net"
	"net/netip"
	"slices"
	"sync/atomic"

	"receptor/transport/frame"
)

const (
	// maxRun is how much a run may carry, and maxSegments how many messages: the
	// kernel's limits.
	maxRun      = 65000
	maxSegments = 64
)

// sender writes messages to one address. It belongs to the writing goroutine.
type sender struct {
	conn    *net.UDPConn
	to      netip.AddrPort // not valid: the socket is connected
	origin  []byte         // control message: send from there; empty: the kernel chooses
	longest int            // messages longer than that don't travel in runs
	out     []byte
	control []byte // begins with origin
	dropped *atomic.Uint64
}

func newSender(conn *net.UDPConn, to netip.AddrPort, origin []byte, runs bool, dropped *atomic.Uint64) sender {
	s := sender{conn: conn, to: to, origin: origin, dropped: dropped}
	if runs {
		s.longest, s.control = maxRun/2, append(slices.Clone(origin), make([]byte, segmentSpace)...)
	}
	return s
}

// send writes the batch; empty messages are left out.
func (s *sender) send(batch []*frame.Buf) error {
	for len(batch) > 0 {
		if batch[0].Len() == 0 {
			batch = batch[1:]
			continue
		}
		n := run(batch, s.longest)
		if err := s.sendRun(batch[:n]); err != nil {
			return err
		}
		batch = batch[n:]
	}
	return nil
}

// run is how many messages at the head of the batch are one run: all as long as
// the first, but for the last, which may be shorter.
func run(batch []*frame.Buf, longest int) int {
	size := batch[0].Len()
	if size > longest {
		return 1
	}
	n, total := 1, size
	for ; n < min(len(batch), maxSegments); n++ {
		length := batch[n].Len()
		if length == 0 || length > size || total+length > maxRun {
			return n
		}
		total += length
		if length < size {
			return n + 1
		}
	}
	return n
}

func (s *sender) sendRun(batch []*frame.Buf) error {
	if len(batch) == 1 {
		return s.settle(1, s.writeOne(batch[0].Bytes()))
	}
	s.out = s.out[:0]
	for _, f := range batch {
		s.out = append(s.out, f.Bytes()...)
	}
	size := batch[0].Len()
	segmented(s.control[len(s.origin):], size)
	err := s.write(s.out, s.control)
	if err == nil || !unfit(err) && !s.homeless(err) {
		return s.settle(len(batch), err)
	}
	s.longest = size - 1 // too long for the path, or for the device: then nothing will do, soon
	for _, f := range batch {
		if err := s.settle(1, s.writeOne(f.Bytes())); err != nil {
			return err
		}
	}
	return nil
}

// writeOne gives up an address that the host has lost.
func (s *sender) writeOne(p []byte) error {
	err := s.write(p, s.origin)
	if err == nil || !s.homeless(err) {
		return err
	}
	s.control = s.control[min(len(s.origin), len(s.control)):]
	s.origin = nil
	return s.write(p, nil)
}

func (s *sender) homeless(err error) bool { return len(s.origin) > 0 && homeless(err) }

func (s *sender) write(p, control []byte) error {
	_, _, err := s.conn.WriteMsgUDPAddrPort(p, control, s.to)
	return err
}

// settle takes n messages that could not be sent for lost ones, if that is what
// they are.
func (s *sender) settle(n int, err error) error {
	if err != nil && lost(err) {
		s.dropped.Add(uint64(n))
		return nil
	}
	return err
}
