package mesh

import (
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// patience is how long the writers of a socket wait for room in the queues of links:
// until the socket is closed or its write deadline has passed.
type patience struct {
	bounded atomic.Bool // it is closed, or has a deadline; else there is nothing to look at

	mu      sync.Mutex
	timer   *time.Timer
	expires time.Time // zero: never
	closed  bool
	waiting map[*Queue]int
}

// enter notes that somebody waits for q, and is false if the wait is over. It is
// called with q's lock held.
func (p *patience) enter(q *Queue) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended() != nil {
		return false
	}
	if p.waiting == nil {
		p.waiting = map[*Queue]int{}
	}
	p.waiting[q]++
	return true
}

// leave is the opposite.
func (p *patience) leave(q *Queue) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting[q]--; p.waiting[q] == 0 {
		delete(p.waiting, q)
	}
}

// over says why nobody may wait, nil if they may.
func (p *patience) over() error {
	if !p.bounded.Load() {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended()
}

// ended is called with mu held.
func (p *patience) ended() error {
	switch {
	case p.closed:
		return net.ErrClosed
	case !p.expires.IsZero() && !time.Now().Before(p.expires):
		return os.ErrDeadlineExceeded
	}
	return nil
}

// set moves the deadline; the zero time means never.
func (p *patience) set(t time.Time) {
	p.mu.Lock()
	p.expires = t
	p.bounded.Store(p.closed || !t.IsZero())
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
	if !t.IsZero() {
		p.timer = time.AfterFunc(time.Until(t), p.wake)
	}
	p.mu.Unlock()
}

// close ends all waits.
func (p *patience) close() {
	p.mu.Lock()
	p.closed = true
	p.bounded.Store(true)
	if p.timer != nil {
		p.timer.Stop()
	}
	p.mu.Unlock()
	p.wake()
}

// wake has those who wait look again. The locks of queues come before ours.
func (p *patience) wake() {
	p.mu.Lock()
	queues := make([]*Queue, 0, len(p.waiting))
	for q := range p.waiting {
		queues = append(queues, q)
	}
	p.mu.Unlock()
	for _, q := range queues {
		q.wakeWriters()
	}
}
