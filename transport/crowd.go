package transport

import (
	"container/list"
	"io"
	"sync"
	"time"
)

// Courtesy is how long a stranger may stay although others wait for the place.
const Courtesy = time.Second

// Crowd is a bounded number of connections that nobody is known to stand behind.
// When it is full and another one comes, the one that has been there longest has to
// go: who only holds a place keeps no neighbour out, who says who they are is
// through long before.
type Crowd struct {
	room chan struct{} // holds one for each

	mu     sync.Mutex
	order  *list.List // of *stranger, those that were not told to go, the oldest first
	inside map[io.Closer]*list.Element
}

type stranger struct {
	conn  io.Closer
	since time.Time
}

// NewCrowd returns an empty one that has so many places.
func NewCrowd(size int) *Crowd {
	return &Crowd{room: make(chan struct{}, size), order: list.New(), inside: map[io.Closer]*list.Element{}}
}

// Enter waits for a place, and has somebody go if need be. It is false if done is
// closed before. Only one goroutine may call it.
func (c *Crowd) Enter(conn io.Closer, done <-chan struct{}) bool {
	for {
		select {
		case c.room <- struct{}{}:
			c.mu.Lock()
			defer c.mu.Unlock()
			c.inside[conn] = c.order.PushBack(&stranger{conn, time.Now()})
			return true
		default:
		}
		if !c.wait(done) {
			return false
		}
	}
}

// wait returns when it is worth to look for a place again.
func (c *Crowd) wait(done <-chan struct{}) bool {
	patience := time.NewTimer(c.showOut())
	defer patience.Stop()
	select {
	case c.room <- struct{}{}:
		<-c.room // for the one who looks
	case <-patience.C:
	case <-done:
		return false
	}
	return true
}

// showOut closes the oldest connection, if it is old enough, and says how long it
// makes sense to wait then.
func (c *Crowd) showOut() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	first := c.order.Front()
	if first == nil {
		return Courtesy // all are about to go
	}
	s := first.Value.(*stranger)
	if left := Courtesy - time.Since(s.since); left > 0 {
		return left
	}
	c.order.Remove(first)
	_ = s.conn.Close() // its owner finds that it is gone, and tells Leave
	return Courtesy
}

// Leave gives up the place of a connection. It may be called again, and for those
// that never entered.
func (c *Crowd) Leave(conn io.Closer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.inside[conn]
	if !ok {
		return
	}
	delete(c.inside, conn)
	c.order.Remove(e) // nothing, if it was told to go
	<-c.room
}

// Size is how many there are.
func (c *Crowd) Size() int { return len(c.room) }
