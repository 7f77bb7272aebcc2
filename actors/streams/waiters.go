package streams

import "sync"

// waiters are the goroutines that wait for a session. The streams actor knows
// them by number, so one that has given up costs nothing.
type waiters struct {
	mu   sync.Mutex
	last uint64
	open map[uint64]chan answer
}

// answer is a session, acquired for who gets it, or why there is none.
type answer struct {
	pump *pump
	err  error
}

func newWaiters() *waiters { return &waiters{open: map[uint64]chan answer{}} }

func (w *waiters) add() (uint64, <-chan answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last++
	c := make(chan answer, 1)
	w.open[w.last] = c
	return w.last, c
}

// leave ends the wait. An answer that came and was not taken is given back.
func (w *waiters) leave(id uint64, c <-chan answer) {
	w.mu.Lock()
	delete(w.open, id)
	w.mu.Unlock()
	select {
	case a := <-c:
		if a.pump != nil {
			a.pump.release()
		}
	default:
	}
}

// answer serves a waiter once. It reports false if nobody waits under that number.
func (w *waiters) answer(id uint64, a answer) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	c, ok := w.open[id]
	if !ok {
		return false
	}
	delete(w.open, id)
	c <- a // it has room for the one answer
	return true
}
