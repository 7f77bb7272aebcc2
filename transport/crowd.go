package transport

import (
	"container/list"
	"io"
	"sync"
	"time"
)

// Courtesy is how long a stranger may stay although others wait for the place.
const Courtesy = time.Second

// Crowd is a bounded number of connections that nobody is known to stand behind, or
// that may do nothing for long. When it is full and another one comes, the one that
// has done nothing for longest has to go: who only holds a place keeps nobody out, who
// says who they are is through long before, and who is at something stays.
type Crowd struct {
	room chan struct{} // holds one for each

	mu      sync.Mutex
	order   *list.List // of *stranger, those that can be told to go, the oldest first
	inside  map[io.Closer]*list.Element
	leaving int // how many of them were told to go
}

type stranger struct {
	conn  io.Closer
	since time.Time
	told  bool // to go
}

// NewCrowd returns an empty one that has so many places.
func NewCrowd(size int) *Crowd {
	return &Crowd{room: make(chan struct{}, size), order: list.New(), inside: map[io.Closer]*list.Element{}}
}

// Enter waits for a place, and has somebody go if need be. It is false if done is
// closed before, or nobody can be told to go. Only one goroutine may call it.
func (c *Crowd) Enter(conn io.Closer, done <-chan struct{}) bool {
	for {
		select {
		case c.room <- struct{}{}:
			c.mu.Lock()
			defer c.mu.Unlock()
			c.inside[conn] = c.order.PushBack(&stranger{conn: conn, since: time.Now()})
			return true
		default:
		}
		if !c.wait(done) {
			return false
		}
	}
}

// wait returns when it is worth to look for a place again, and false if it never is.
func (c *Crowd) wait(done <-chan struct{}) bool {
	wait, ok := c.showOut()
	if !ok {
		return false
	}
	patience := time.NewTimer(wait)
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
// makes sense to wait then; not at all if nobody is about to go or can be told to.
func (c *Crowd) showOut() (wait time.Duration, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	first := c.order.Front()
	if first == nil {
		return Courtesy, c.leaving > 0 || len(c.room) < cap(c.room)
	}
	s := first.Value.(*stranger)
	if left := Courtesy - time.Since(s.since); left > 0 {
		return left, true
	}
	c.order.Remove(first)
	s.told = true
	c.leaving++
	_ = s.conn.Close() // its owner finds that it is gone, and tells Leave
	return Courtesy, true
}

// Busy keeps a connection from being told to go. It is false for one that was told.
func (c *Crowd) Busy(conn io.Closer) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.inside[conn]
	if !ok || e.Value.(*stranger).told {
		return false
	}
	c.order.Remove(e)
	return true
}

// Idle ends Busy. From now on the connection does nothing.
func (c *Crowd) Idle(conn io.Closer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.inside[conn]
	if !ok || e.Value.(*stranger).told {
		return
	}
	c.order.Remove(e)
	c.inside[conn] = c.order.PushBack(&stranger{conn: conn, since: time.Now()})
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
	if e.Value.(*stranger).told {
		c.leaving--
	}
	c.order.Remove(e) // nothing, if it is not in it
	<-c.room
}

// Size is how many there are.
func (c *Crowd) Size() int { return len(c.room) }
