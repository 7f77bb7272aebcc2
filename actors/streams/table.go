package streams

import (
	"slices"
	"sync"
)

// maxLingering bounds the finished connections kept for old peers.
const maxLingering = 256

// key names what one shared session serves.
type key struct{ node, service, tls string }

// table holds the live connections of a node. It is data plane: goroutines look
// up by number or by key what actors announced.
type table struct {
	mu        sync.Mutex
	last      uint64
	pumps     map[uint64]*pump
	shared    map[key][]*pump // that take more streams
	lingering []*pump         // oldest first
}

func newTable() *table {
	return &table{pumps: map[uint64]*pump{}, shared: map[key][]*pump{}}
}

// add numbers a connection. It reports false if there are too many.
func (t *table) add(p *pump) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.pumps) >= maxSessions {
		return false
	}
	t.last++
	p.id = t.last
	t.pumps[p.id] = p
	return true
}

func (t *table) get(id uint64) *pump {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.pumps[id]
}

// share offers p to everyone who dials k.
func (t *table) share(p *pump) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.shared[p.key] = append(t.shared[p.key], p)
}

// claim returns a session that serves one more stream to k, which is counted as one
// of its streams already, or nil if that should have a session of its own.
func (t *table) claim(k key) *pump {
	t.mu.Lock()
	defer t.mu.Unlock()
	open := t.shared[k]
	loads := make([]load, 0, maxSpread)
	for _, p := range open {
		loads = append(loads, p.load())
	}
	i := choose(loads)
	if i < 0 || !open[i].acquire() {
		return nil
	}
	return open[i]
}

// spread is how many sessions take streams to k, and whether k is so far away that
// streams should have their own.
func (t *table) spread(k key) (sessions int, far bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.shared[k] {
		far = far || p.load().far()
	}
	return len(t.shared[k]), far
}

// offered reports whether dials may get p.
func (t *table) offered(p *pump) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Contains(t.shared[p.key], p)
}

// unshare ends the offer; streams that are open go on.
func (t *table) unshare(p *pump) {
	t.mu.Lock()
	defer t.mu.Unlock()
	rest := slices.DeleteFunc(t.shared[p.key], func(o *pump) bool { return o == p })
	if len(rest) == 0 {
		delete(t.shared, p.key)
		return
	}
	t.shared[p.key] = rest
}

// remove forgets p.
func (t *table) remove(p *pump) {
	t.unshare(p)
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.pumps, p.id)
	for i, l := range t.lingering {
		if l == p {
			t.lingering = append(t.lingering[:i], t.lingering[i+1:]...)
			break
		}
	}
}

// linger notes that p has served its only stream. It returns the one that has to
// go for it, or nil.
func (t *table) linger(p *pump) *pump {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.pumps[p.id]; !ok {
		return nil
	}
	t.lingering = append(t.lingering, p)
	if len(t.lingering) <= maxLingering {
		return nil
	}
	oldest := t.lingering[0]
	t.lingering = t.lingering[1:]
	return oldest
}

// all returns the connections as they are now.
func (t *table) all() []*pump {
	t.mu.Lock()
	defer t.mu.Unlock()
	pumps := make([]*pump, 0, len(t.pumps))
	for _, p := range t.pumps {
		pumps = append(pumps, p)
	}
	return pumps
}
