package services

import (
	"sync/atomic"

	"receptor/transport/frame"
)

const (
	outboxFrames = 256
	outboxBytes  = 1 << 20
	smallFrame   = 2 << 10
)

// outbox holds datagrams for a writer that may have to wait, so that who reads for
// everybody need not. When it is full new ones are dropped.
type outbox struct {
	frames  chan *frame.Buf
	bytes   atomic.Int64
	dropped atomic.Uint64
}

func newOutbox() *outbox { return &outbox{frames: make(chan *frame.Buf, outboxFrames)} }

// put queues a copy of a datagram.
func (o *outbox) put(b []byte) {
	if len(b) > frame.MaxLen || o.bytes.Add(size(len(b))) > outboxBytes {
		o.bytes.Add(-size(len(b)))
		o.dropped.Add(1)
		return
	}
	f := frame.Copy(b)
	select {
	case o.frames <- f:
	default:
		o.took(f)
		f.Free()
		o.dropped.Add(1)
	}
}

// took is told of each frame that was received from frames.
func (o *outbox) took(f *frame.Buf) { o.bytes.Add(-size(f.Len())) }

// size is the memory that a datagram of n bytes holds: frames come in two sizes.
func size(n int) int64 {
	if n <= smallFrame {
		return smallFrame
	}
	return frame.MaxLen
}

func (o *outbox) empty() bool { return len(o.frames) == 0 }

// drain frees what nobody took. Nobody may put any more.
func (o *outbox) drain() {
	for {
		select {
		case f := <-o.frames:
			o.took(f)
			f.Free()
		default:
			return
		}
	}
}
