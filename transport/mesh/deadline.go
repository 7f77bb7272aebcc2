package mesh

import (
	"sync"
	"sync/atomic"
	"time"
)

// deadline is a point in time that can be waited for and moved.
type deadline struct {
	mu     sync.Mutex
	timer  *time.Timer
	passed chan struct{} // closed when the time has come
	over   atomic.Bool   // passed is closed; for who asks often
}

func newDeadline() *deadline { return &deadline{passed: make(chan struct{})} }

// wait returns a channel that is closed when the deadline passes.
func (d *deadline) wait() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.passed
}

// set moves the deadline; the zero time means never.
func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil && !d.timer.Stop() {
		<-d.passed // its function is about to close it, or has
	}
	d.timer = nil
	select {
	case <-d.passed:
		d.passed = make(chan struct{})
		d.over.Store(false)
	default:
	}
	if t.IsZero() {
		return
	}
	passed := d.passed
	if wait := time.Until(t); wait > 0 {
		d.timer = time.AfterFunc(wait, func() { d.pass(passed) })
		return
	}
	d.pass(passed)
}

func (d *deadline) pass(passed chan struct{}) {
	d.over.Store(true)
	close(passed)
}
