package mesh

import (
	"sync"
	"time"

	"receptor/transport/frame"
	"receptor/transport/wire"
)

const (
	// DefaultQueueBytes bounds what a link may hold back for its neighbour.
	DefaultQueueBytes = 4 << 20
	// flowBytes is what one flow of a local sender may have queued before the
	// sender waits: enough for a full batch, little enough to keep delay low.
	flowBytes = 256 << 10
	// batchBytes is how much the writer takes at once.
	batchBytes = 64 << 10
	// quantum is what a flow may send before it is the next one's turn.
	quantum = 16 << 10
	// frameOverhead is charged for each frame, so that many tiny ones are bounded too.
	frameOverhead = 64
	// calm is how long nothing has been written when a local sender may write by
	// itself: frames that come closer together share a system call of the writer's.
	calm = 50 * time.Microsecond
	// maxControl bounds the control lane in frames. Keys replace, so only a flood
	// of different nodes could reach it; the oldest is dropped then.
	maxControl = 16384
)

// Queue holds what waits to be written to one link: a control lane, which goes
// first, and a data lane that is fair between flows.
//
//	control   ─────────────────────┐
//	flow 1    ──┐                  ├──► TakeBatch
//	flow 2    ──┼─ round robin ────┘
//	flow n    ──┘
//
// It is bounded in bytes. When it is full a local sender waits, and a forwarded
// frame costs the longest flow its oldest frame. A local sender that finds it empty
// and calm writes its frame itself, which saves waking the writer; it has the turn
// to write meanwhile, which only one has at a time.
type Queue struct {
	mu       sync.Mutex
	filled   sync.Cond // something to take, or closed
	drained  sync.Cond // room again, or closed
	waiting  int       // senders that wait for room
	maxBytes int
	bytes    int
	closed   bool

	write   func(batch []*frame.Buf) error // frees the frames; nil: nobody but the writer writes
	writing bool                           // somebody has the turn to write
	taken   bool                           // it is the writer, with the batch that it took last
	single  [1]*frame.Buf                  // the batch of a local sender that has the turn
	wrote   time.Time                      // the last turn ended
	failed  error                          // of a write by a local sender

	control lane
	flows   map[flowKey]*flow
	ring    []*flow // flows with frames, in turn
	turn    int
	spare   []*flow

	stats  QueueStats
	sample sample
}

// QueueStats says how a queue is doing.
type QueueStats struct {
	QueuedBytes  int
	QueuedFrames int
	Flows        int
	Dropped      uint64 // frames dropped because the queue was full
	Taken        uint64 // frames taken by the writer
	TakenBytes   uint64
	Delay        time.Duration // how long a data frame waits, smoothed
}

// flowKey names a flow: from-node, to-node, from-service and to-service, as they
// stand in the data header.
type flowKey [wire.HeaderLen - offFlow]byte

type flow struct {
	key    flowKey
	frames fifo
	bytes  int
	credit int
}

// NewQueue returns a queue that holds at most maxBytes of data frames.
func NewQueue(maxBytes int) *Queue {
	q := &Queue{maxBytes: maxBytes, flows: map[flowKey]*flow{}, control: lane{byKey: map[string]int{}}}
	q.filled.L, q.drained.L = &q.mu, &q.mu
	return q
}

// PutControl queues a routing message ahead of all data. If a message with the
// same non-empty key still waits, f takes its place.
func (q *Queue) PutControl(key string, f *frame.Buf) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		f.Free()
		return
	}
	q.stats.Dropped += q.control.put(key, f)
	q.filled.Signal()
}

// putData queues a data frame and owns it. With patience, until that is over, it
// blocks while the frame's flow, or the whole queue, is full. It reports false if
// nothing was queued.
func (q *Queue) putData(f *frame.Buf, wait *patience) bool {
	key := flowKey(f.Bytes()[offFlow:wire.HeaderLen])
	size := f.Len() + frameOverhead

	q.mu.Lock()
	defer q.mu.Unlock()
	if wait != nil && !wait.bounded.Load() && q.isCalm() { // nothing wakes who writes by itself
		q.writeNow(f)
		return true
	}
	fl := q.flowOf(key)
	for wait != nil && !q.closed && (fl.bytes >= flowBytes || q.bytes > 0 && q.bytes+size > q.maxBytes) {
		if !wait.enter(q) {
			q.forgetEmpty(fl)
			f.Free()
			return false
		}
		q.waiting++
		q.drained.Wait()
		q.waiting--
		wait.leave(q)
		fl = q.flowOf(key)
	}
	if q.closed {
		f.Free()
		return false
	}
	if fl.frames.empty() {
		fl.credit = quantum
		q.ring = append(q.ring, fl)
	}
	fl.frames.push(f)
	q.sample.queued(f)
	fl.bytes += size
	q.bytes += size
	for q.bytes > q.maxBytes {
		q.dropLongest()
	}
	q.filled.Signal()
	return true
}

// Direct lets local senders write by themselves while the queue is calm. Calls of
// write never overlap, with each other or with the use of a batch between two calls
// of TakeBatch.
func (q *Queue) Direct(write func(batch []*frame.Buf) error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.write = write
}

// isCalm reports whether a frame may be written past the writer without overtaking
// any other.
func (q *Queue) isCalm() bool {
	return q.write != nil && !q.writing && !q.closed && q.failed == nil && q.idle() &&
		time.Since(q.wrote) > calm
}

// writeNow takes the turn and writes f. It is called and returns with mu held, but
// lets go of it while it writes.
func (q *Queue) writeNow(f *frame.Buf) {
	q.writing = true
	q.took(f)
	q.single[0] = f
	q.mu.Unlock()
	err := q.write(q.single[:])
	q.mu.Lock()
	q.single[0] = nil
	q.failed = err
	q.endTurn()
	if err != nil || !q.idle() {
		q.filled.Signal()
	}
}

func (q *Queue) endTurn() {
	q.writing = false
	q.wrote = time.Now()
}

func (q *Queue) idle() bool { return q.control.empty() && len(q.ring) == 0 }

// flowOf returns the flow with that key, which may be new and empty.
func (q *Queue) flowOf(key flowKey) *flow {
	if fl, ok := q.flows[key]; ok {
		return fl
	}
	var fl *flow
	if n := len(q.spare); n > 0 {
		fl, q.spare = q.spare[n-1], q.spare[:n-1]
	} else {
		fl = &flow{}
	}
	fl.key, fl.bytes, fl.credit = key, 0, 0
	q.flows[key] = fl
	return fl
}

// wakeWriters has local senders that wait look again whether they should.
func (q *Queue) wakeWriters() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.drained.Broadcast()
}

// retire forgets an empty flow that is at position i of the ring.
func (q *Queue) retire(i int) {
	fl := q.ring[i]
	q.ring = append(q.ring[:i], q.ring[i+1:]...)
	if i < q.turn {
		q.turn--
	}
	q.forgetEmpty(fl)
}

// forgetEmpty forgets a flow that is not in the ring, if it is empty.
func (q *Queue) forgetEmpty(fl *flow) {
	if !fl.frames.empty() {
		return
	}
	delete(q.flows, fl.key)
	if len(q.spare) < 64 {
		q.spare = append(q.spare, fl)
	}
}

func (q *Queue) dropLongest() {
	longest := 0
	for i, fl := range q.ring {
		if fl.bytes > q.ring[longest].bytes {
			longest = i
		}
	}
	fl := q.ring[longest]
	f := fl.frames.pop()
	q.charge(fl, f)
	q.sample.dropped(f)
	f.Free()
	q.stats.Dropped++
	if fl.frames.empty() {
		q.retire(longest)
	}
}

func (q *Queue) charge(fl *flow, f *frame.Buf) {
	size := f.Len() + frameOverhead
	fl.bytes -= size
	q.bytes -= size
}

// TakeBatch appends what is queued to dst, up to about 64 KiB, control first. It
// blocks until there is something and returns ErrClosed once the queue was
// closed, or why a local sender could not write; the caller owns the frames, and
// has the turn to write until its next call.
func (q *Queue) TakeBatch(dst []*frame.Buf) ([]*frame.Buf, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.taken {
		q.taken = false
		q.endTurn()
	}
	for !q.closed && q.failed == nil && (q.writing || q.idle()) {
		q.filled.Wait()
	}
	if q.closed {
		return dst, ErrClosed
	}
	if q.failed != nil {
		return dst, q.failed
	}
	q.taken, q.writing = true, true
	room := batchBytes
	for room > 0 && !q.control.empty() {
		f := q.control.pop()
		room -= f.Len()
		dst = append(dst, f)
		q.took(f)
	}
	for room > 0 && len(q.ring) > 0 {
		f := q.nextData()
		room -= f.Len()
		dst = append(dst, f)
		q.took(f)
	}
	if q.waiting > 0 {
		q.drained.Broadcast()
	}
	return dst, nil
}

func (q *Queue) took(f *frame.Buf) {
	q.stats.Taken++
	q.stats.TakenBytes += uint64(f.Len())
}

// nextData takes the next frame of the flow whose turn it is.
func (q *Queue) nextData() *frame.Buf {
	if q.turn >= len(q.ring) {
		q.turn = 0
	}
	fl := q.ring[q.turn]
	f := fl.frames.pop()
	q.charge(fl, f)
	q.sample.taken(f)
	fl.credit -= f.Len()
	switch {
	case fl.frames.empty():
		q.retire(q.turn)
	case fl.credit <= 0:
		fl.credit = quantum
		q.turn++
	}
	return f
}

// Close drops what is queued and wakes everybody.
func (q *Queue) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	q.closed = true
	for !q.control.empty() {
		q.control.pop().Free()
	}
	for _, fl := range q.ring {
		for !fl.frames.empty() {
			fl.frames.pop().Free()
		}
	}
	q.ring, q.flows, q.spare, q.bytes = nil, map[flowKey]*flow{}, nil, 0
	q.filled.Broadcast()
	q.drained.Broadcast()
}

// Stats is a snapshot.
func (q *Queue) Stats() QueueStats {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.stats
	s.Delay = q.sample.read()
	s.QueuedBytes, s.Flows = q.bytes, len(q.ring)
	for _, fl := range q.ring {
		s.QueuedFrames += fl.frames.len()
	}
	return s
}
