package work

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"receptor/actors/work/store"
	"receptor/actors/work/unit"
)

// queue is who may run of a type of work with a limit, and in which order the
// others follow. The supervisor changes it; anybody may ask for a place.
//
//	admitted ──want──> waiting ──first, and there is room──> running ──leave──> –
type queue struct {
	mu      sync.Mutex
	limits  Limits
	members map[string]bool // all units of the type that are not final
	running map[string]bool
	waiting []string // in their order
	ready   map[string]bool
}

func newQueue(l Limits) *queue {
	return &queue{limits: l, members: map[string]bool{}, running: map[string]bool{}, ready: map[string]bool{}}
}

// limit sets other limits, and returns whose turn it is now.
func (q *queue) limit(l Limits) []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.limits = l
	return q.next()
}

// full says why no more units are admitted; empty if they are.
func (q *queue) full(workType string) string {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.limits.MaxQueued == 0 || q.limits.MaxConcurrent == 0 || len(q.members) < q.limits.MaxConcurrent+q.limits.MaxQueued {
		return ""
	}
	return fmt.Sprintf("work type %s is busy: %d units run and %d wait", workType,
		len(q.running), len(q.members)-len(q.running))
}

func (q *queue) admit(id string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.members[id] = true
}

// resume takes in a unit that an earlier daemon left: one that runs has its slot
// already, the others keep their order, whoever asks first.
func (q *queue) resume(running, waiting []string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, id := range running {
		q.members[id], q.running[id] = true, true
	}
	for _, id := range waiting {
		q.members[id] = true
	}
	q.waiting = append(q.waiting, waiting...)
}

// want lets a unit wait for its turn, and returns whose turn it is now.
func (q *queue) want(id string) []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.running[id] {
		return []string{id} // it was told, and has been restarted since
	}
	q.members[id], q.ready[id] = true, true
	if !slices.Contains(q.waiting, id) {
		q.waiting = append(q.waiting, id)
	}
	return q.next()
}

// leave frees what a unit has, and returns whose turn it is now.
func (q *queue) leave(id string) []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.members[id] {
		return nil
	}
	delete(q.members, id)
	delete(q.running, id)
	delete(q.ready, id)
	q.waiting = slices.DeleteFunc(q.waiting, func(other string) bool { return other == id })
	return q.next()
}

// next is called with mu held.
func (q *queue) next() []string {
	var turn []string
	for len(q.waiting) > 0 && q.room() && q.ready[q.waiting[0]] {
		id := q.waiting[0]
		q.waiting = q.waiting[1:]
		delete(q.ready, id)
		q.running[id] = true
		turn = append(turn, id)
	}
	return turn
}

// room is called with mu held. A limit that was lifted is zero.
func (q *queue) room() bool {
	return q.limits.MaxConcurrent == 0 || len(q.running) < q.limits.MaxConcurrent
}

// place is the position of a unit that waits; 0 if it does not.
func (q *queue) place(id string) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Index(q.waiting, id) + 1
}

// detail is what a status says of a unit that waits; empty if it does not.
func (q *queue) detail(id string) string {
	place := q.place(id)
	if place == 0 {
		return ""
	}
	return fmt.Sprintf("Waiting for a free slot: position %d", place)
}

// resumeQueues sorts what was found on disk by when it became ready.
func (w *work) resumeQueues(loaded []store.Loaded) {
	slices.SortStableFunc(loaded, func(a, b store.Loaded) int { return cmp.Compare(a.Written, b.Written) })
	for workType, q := range w.terms().queues {
		var running, waiting []string
		for _, l := range loaded {
			r := l.Record
			switch {
			case l.Err != nil || r.WorkType != workType || r.State.Final() || !unit.Given(r):
			case w.store.Dir(l.ID).Ran() || r.Kube != nil && r.Detail != unit.DetailStarting:
				running = append(running, l.ID)
			default:
				waiting = append(waiting, l.ID)
			}
		}
		q.resume(running, waiting)
	}
}
