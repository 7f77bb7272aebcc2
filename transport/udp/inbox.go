package udp

import (
	"sync"

	"receptor/transport/frame"
)

const (
	// maxInbox bounds the memory of what a link has not read, in bytes. About 1700
	// messages of a stream fit, or 60 of the longest.
	maxInbox = 4 << 20
	// least is the memory of a short message.
	least = 2048
)

// inbox is what has come for one link. The socket's reader puts, the link takes;
// neither waits for the other.
type inbox struct {
	mu     sync.Mutex
	frames []*frame.Buf
	memory int
	ended  error
	wake   chan struct{} // holds one when there may be something new

	taken []*frame.Buf // of the link's reader
	next  int
}

func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1)} }

// put takes the datagrams in, and returns how many there was no room for.
func (b *inbox) put(d datagrams) (dropped uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for f := d.next(); f != nil; f = d.next() {
		cost := least
		if f.Len() > least {
			cost = frame.MaxLen
		}
		if b.ended != nil || b.memory+cost > maxInbox {
			f.Free()
			dropped++
			continue
		}
		b.memory += cost
		b.frames = append(b.frames, f)
	}
	b.ring()
	return dropped
}

// take waits for a message.
func (b *inbox) take() (*frame.Buf, error) {
	for b.next == len(b.taken) {
		if err := b.refill(); err != nil {
			return nil, err
		}
	}
	f := b.taken[b.next]
	b.taken[b.next] = nil
	b.next++
	return f, nil
}

// refill takes all there is, or waits until there may be something.
func (b *inbox) refill() error {
	b.mu.Lock()
	if b.ended != nil {
		b.mu.Unlock()
		return b.ended
	}
	if len(b.frames) > 0 {
		b.taken, b.frames, b.next, b.memory = b.frames, b.taken[:0], 0, 0
		b.mu.Unlock()
		return nil
	}
	b.mu.Unlock()
	<-b.wake
	return nil
}

// end makes take return err, now and from now on.
func (b *inbox) end(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended != nil {
		return
	}
	b.ended = err
	for _, f := range b.frames {
		f.Free()
	}
	b.frames = nil
	b.ring()
}

func (b *inbox) ring() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}
