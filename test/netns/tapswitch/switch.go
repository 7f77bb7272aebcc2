// Package tapswitch is an Ethernet switch in user space, for kernels that can't
// delay packets. Every frame waits as long as the Path says; with jitter, frames
// overtake each other.
//
//	eth0 of a host ── Tap ─┐            ┌─ waiting ── Tap ── eth0 of a host
//	eth0 of a host ── Tap ─┴─ learned ──┴─ waiting ── Tap ── eth0 of a host
package tapswitch

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	headerLen = 14   // destination, source, type
	maxFrame  = 2048 // one with the usual MTU of 1500, or a little more
)

// Path is what happens to a frame on its way.
type Path struct {
	Delay  time.Duration // every frame waits this long
	Jitter time.Duration // and up to this much longer
}

// Switch forwards frames between its ports. It learns who is where, and floods
// what it does not know.
type Switch struct {
	path    atomic.Pointer[Path]
	reading sync.WaitGroup
	writing sync.WaitGroup

	mu      sync.Mutex
	ports   []*port
	learned map[mac]*port
	trouble error
}

type mac [6]byte

// New returns a switch without ports, and without delay.
func New() *Switch {
	s := &Switch{learned: map[mac]*port{}}
	s.path.Store(&Path{})
	return s
}

// Set changes the path of frames that come from now on.
func (s *Switch) Set(p Path) { s.path.Store(&p) }

// Plug adds a port, which the switch owns from now on. Each Read and each Write
// of it is one frame.
func (s *Switch) Plug(wire io.ReadWriteCloser) {
	p := newPort(wire)
	s.mu.Lock()
	s.ports = append(s.ports, p)
	s.mu.Unlock()
	s.reading.Go(func() { s.note(s.read(p)) })
	s.writing.Go(p.run)
}

// Close drops what is under way and closes the ports. The error is the first
// trouble of a port.
func (s *Switch) Close() error {
	s.mu.Lock()
	ports := s.ports
	s.mu.Unlock()
	for _, p := range ports {
		s.note(p.close())
	}
	s.reading.Wait()
	s.writing.Wait()
	return s.trouble
}

// Dropped is how many frames there was no room for.
func (s *Switch) Dropped() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all uint64
	for _, p := range s.ports {
		all += p.dropped.Load()
	}
	return all
}

func (s *Switch) note(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.trouble == nil {
		s.trouble = err
	}
}

// read takes frames off a port until it is closed.
func (s *Switch) read(from *port) error {
	buf := make([]byte, maxFrame)
	for {
		n, err := from.wire.Read(buf)
		if errors.Is(err, os.ErrClosed) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read a frame: %w", err)
		}
		if n < headerLen {
			continue
		}
		due := time.Now().Add(s.wait())
		for _, to := range s.destinations(from, buf[:n]) {
			to.put(append([]byte(nil), buf[:n]...), due)
		}
	}
}

func (s *Switch) wait() time.Duration {
	p := s.path.Load()
	if p.Jitter == 0 {
		return p.Delay
	}
	return p.Delay + rand.N(p.Jitter)
}

// destinations are the ports a frame goes to.
func (s *Switch) destinations(from *port, frame []byte) []*port {
	dst, src := mac(frame[:6]), mac(frame[6:12])
	s.mu.Lock()
	defer s.mu.Unlock()
	s.learned[src] = from
	if to, ok := s.learned[dst]; ok {
		if to == from {
			return nil
		}
		return []*port{to}
	}
	var others []*port
	for _, p := range s.ports {
		if p != from {
			others = append(others, p)
		}
	}
	return others
}
