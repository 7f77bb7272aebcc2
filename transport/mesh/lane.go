package mesh

import "receptor/transport/frame"

// fifo is a queue of frames in a ring that grows and is kept for reuse.
type fifo struct {
	ring  []*frame.Buf
	head  int
	count int
}

func (q *fifo) empty() bool { return q.count == 0 }

func (q *fifo) len() int { return q.count }

func (q *fifo) push(f *frame.Buf) {
	if q.count == len(q.ring) {
		q.grow()
	}
	q.ring[(q.head+q.count)&(len(q.ring)-1)] = f
	q.count++
}

func (q *fifo) pop() *frame.Buf {
	f := q.ring[q.head]
	q.ring[q.head] = nil
	q.head = (q.head + 1) & (len(q.ring) - 1)
	q.count--
	return f
}

// grow doubles the ring; its length is always a power of two.
func (q *fifo) grow() {
	bigger := make([]*frame.Buf, max(8, 2*len(q.ring)))
	for i := range q.count {
		bigger[i] = q.ring[(q.head+i)&(len(q.ring)-1)]
	}
	q.ring, q.head = bigger, 0
}

// lane is the control lane: in order, and a newer message takes the place of an
// older one with the same key. Positions count from the first message ever.
type lane struct {
	frames []keyed
	first  int // position of frames[0]
	byKey  map[string]int
}

type keyed struct {
	key string
	f   *frame.Buf
}

func (l *lane) empty() bool { return len(l.frames) == 0 }

// put returns how many messages were dropped to keep the lane bounded.
func (l *lane) put(key string, f *frame.Buf) (dropped uint64) {
	if at, ok := l.byKey[key]; ok && key != "" {
		slot := &l.frames[at-l.first]
		slot.f.Free()
		slot.f = f
		return 0
	}
	if len(l.frames) >= maxControl {
		l.pop().Free()
		dropped = 1
	}
	if key != "" {
		l.byKey[key] = l.first + len(l.frames)
	}
	l.frames = append(l.frames, keyed{key, f})
	return dropped
}

func (l *lane) pop() *frame.Buf {
	head := l.frames[0]
	l.frames[0] = keyed{}
	l.frames = l.frames[1:]
	l.first++
	if head.key != "" {
		delete(l.byKey, head.key)
	}
	if len(l.frames) == 0 {
		l.frames = nil
	}
	return head.f
}
