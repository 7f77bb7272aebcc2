package tapswitch

import (
	"container/heap"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// maxWaiting bounds the frames that wait for a port: a tenth of a second of a
// gigabit.
const maxWaiting = 8192

// port is one end of the switch. Readers of other ports put frames; its own
// goroutine writes each when it is due.
type port struct {
	wire    io.ReadWriteCloser
	wake    chan struct{} // holds one when the first frame may be another
	closed  chan struct{}
	dropped atomic.Uint64

	mu      sync.Mutex
	waiting byDue
	count   uint64
}

// late is a frame and when it is due; count keeps the order of those that are due
// at once.
type late struct {
	frame []byte
	due   time.Time
	count uint64
}

func newPort(wire io.ReadWriteCloser) *port {
	return &port{wire: wire, wake: make(chan struct{}, 1), closed: make(chan struct{})}
}

func (p *port) put(frame []byte, due time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) >= maxWaiting {
		p.dropped.Add(1)
		return
	}
	p.count++
	heap.Push(&p.waiting, late{frame, due, p.count})
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// next takes a frame that is due, or says how long to wait for one; less than
// zero: until there is one.
func (p *port) next() (frame []byte, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) == 0 {
		return nil, -1
	}
	if wait = time.Until(p.waiting[0].due); wait > 0 {
		return nil, wait
	}
	return heap.Pop(&p.waiting).(late).frame, 0
}

func (p *port) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		frame, wait := p.next()
		if frame != nil {
			if _, err := p.wire.Write(frame); err != nil {
				p.dropped.Add(1) // the interface is down, or the switch closes
			}
			continue
		}
		due := timer.C
		if wait < 0 {
			due = nil
		} else {
			timer.Reset(wait)
		}
		select {
		case <-p.wake:
		case <-due:
		case <-p.closed:
			return
		}
	}
}

func (p *port) close() error {
	close(p.closed)
	return p.wire.Close()
}

// byDue is a heap of frames, the one that is due first on top.
type byDue []late

func (h byDue) Len() int { return len(h) }

func (h byDue) Less(i, j int) bool {
	if h[i].due.Equal(h[j].due) {
		return h[i].count < h[j].count
	}
	return h[i].due.Before(h[j].due)
}

func (h byDue) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *byDue) Push(x any) { *h = append(*h, x.(late)) }

// Pop implements heap.Interface.
func (h *byDue) Pop() any {
	all := *h
	last := all[len(all)-1]
	all[len(all)-1] = late{}
	*h = all[:len(all)-1]
	return last
}
