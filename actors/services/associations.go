package services

import (
	"container/list"
	"net/netip"
	"sync"
	"time"

	"receptor/transport/mesh"
)

// peer is who sends datagrams: a UDP address, or a service of a node.
type peer struct {
	udp  netip.AddrPort
	mesh *mesh.Addr // nil for a UDP address
}

// peerKey is equal for the same peer.
type peerKey struct {
	udp  netip.AddrPort
	mesh string
}

func (p peer) key() peerKey {
	if p.mesh == nil {
		return peerKey{udp: p.udp}
	}
	return peerKey{mesh: p.mesh.String()}
}

func (p peer) String() string {
	if p.mesh == nil {
		return p.udp.String()
	}
	return p.mesh.String()
}

// association is one peer of a datagram proxy and what it sent.
type association struct {
	id      uint64
	peer    peer
	waiting *outbox
	evicted chan struct{} // closed when it has to make room for another

	used  time.Time     // when a datagram last passed, either way; guarded by the table
	place *list.Element // in the order of use, likewise
}

// associations are those of one datagram proxy. When there are too many and another
// peer comes, the one that was silent for longest makes room: who asks one question
// from each port keeps nobody out.
type associations struct {
	max      int
	courtesy time.Duration // one that was used so recently stays

	mu      sync.Mutex
	last    uint64
	byPeer  map[peerKey]*association
	order   *list.List              // of those, the one that was used last at the back
	untaken map[uint64]*association // wait for their actor
	closed  bool
}

func newAssociations(limit int, courtesy time.Duration) *associations {
	return &associations{
		max: limit, courtesy: courtesy, byPeer: map[peerKey]*association{}, order: list.New(),
		untaken: map[uint64]*association{},
	}
}

// deliver queues a datagram for the association of its sender. A sender that has
// none gets one, which is returned, if there is room.
func (t *associations) deliver(from peer, b []byte) (fresh *association, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := from.key()
	a := t.byPeer[key]
	if a == nil {
		if t.closed || !t.room() {
			return nil, false
		}
		t.last++
		a = &association{id: t.last, peer: from, waiting: newOutbox(), evicted: make(chan struct{})}
		a.place = t.order.PushBack(a)
		t.byPeer[key], t.untaken[a.id] = a, a
		fresh = a
	}
	t.note(a)
	a.waiting.put(b)
	return fresh, true
}

// room is called with mu held. It evicts who was silent for longest if need be.
func (t *associations) room() bool {
	if len(t.byPeer) < t.max {
		return true
	}
	oldest := t.order.Front()
	if oldest == nil {
		return false
	}
	a := oldest.Value.(*association)
	if time.Since(a.used) < t.courtesy {
		return false
	}
	t.forget(a)
	close(a.evicted)
	return true
}

// note is called with mu held, for each datagram.
func (t *associations) note(a *association) {
	a.used = time.Now()
	t.order.MoveToBack(a.place) // nothing, if it has left
}

// take hands an association over to its actor.
func (t *associations) take(id uint64) *association {
	t.mu.Lock()
	defer t.mu.Unlock()
	a := t.untaken[id]
	delete(t.untaken, id)
	return a
}

// touch notes that a datagram passed.
func (t *associations) touch(a *association) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.note(a)
}

// expire removes an association that was idle for long, and returns how long it
// may stay otherwise.
func (t *associations) expire(a *association, maxIdle time.Duration) (left time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	left = maxIdle - time.Since(a.used)
	if !a.waiting.empty() {
		left = maxIdle
	}
	if left <= 0 {
		t.forget(a)
	}
	return left
}

// remove ends an association; datagrams of its peer begin a new one.
func (t *associations) remove(a *association) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forget(a)
	a.waiting.drain()
}

// forget is called with mu held.
func (t *associations) forget(a *association) {
	if key := a.peer.key(); t.byPeer[key] == a {
		delete(t.byPeer, key)
		t.order.Remove(a.place)
	}
}

// close lets no new associations in and frees those that no actor took.
func (t *associations) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	for id, a := range t.untaken {
		t.forget(a)
		a.waiting.drain()
		delete(t.untaken, id)
	}
}
