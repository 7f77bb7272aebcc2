package harness

import (
	"errors"
	"io"
	"net"
	"sync"
)

// Relay stands between two neighbours and can cut them off: it forwards TCP
// connections to an address.
type Relay struct {
	listener net.Listener
	target   string
	work     sync.WaitGroup

	mu     sync.Mutex
	mood   mood
	thaw   chan struct{} // closed when bytes may flow again; nil while they do
	conns  map[net.Conn]bool
	closed bool
}

type mood int

const (
	forwards mood = iota
	refuses       // new connections end at once
	stalls        // connections stay, but carry nothing
)

// NewRelay listens on a port of its own.
func NewRelay(target string) (*Relay, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &Relay{listener: l, target: target, conns: map[net.Conn]bool{}}
	r.work.Go(r.accept)
	return r, nil
}

// Port is where it listens.
func (r *Relay) Port() int { return r.listener.Addr().(*net.TCPAddr).Port }

// Cut ends all connections; new ones are welcome.
func (r *Relay) Cut() { r.become(forwards, true) }

// Refuse ends all connections, present and to come, until Heal.
func (r *Relay) Refuse() { r.become(refuses, true) }

// Stall keeps the connections and carries nothing until Heal or a cut: what a
// dead router looks like.
func (r *Relay) Stall() { r.become(stalls, false) }

// Heal forwards again.
func (r *Relay) Heal() { r.become(forwards, false) }

func (r *Relay) become(m mood, cut bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mood = m
	switch {
	case m == stalls && r.thaw == nil:
		r.thaw = make(chan struct{})
	case m != stalls && r.thaw != nil:
		close(r.thaw)
		r.thaw = nil
	}
	if cut {
		r.hangUp()
	}
}

// hangUp is called with mu held.
func (r *Relay) hangUp() {
	for conn := range r.conns {
		conn.Close()
	}
}

// Close ends everything and waits for it.
func (r *Relay) Close() error {
	r.become(refuses, true)
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	err := r.listener.Close()
	r.work.Wait()
	return err
}

func (r *Relay) accept() {
	for {
		near, err := r.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			r.work.Go(func() { r.serve(near) })
		}
	}
}

func (r *Relay) serve(near net.Conn) {
	defer near.Close()
	if !r.keep(near) {
		return
	}
	defer r.forget(near)
	far, err := net.Dial("tcp4", r.target)
	if err != nil {
		return // the daemon is down: the neighbour sees a closed connection
	}
	defer far.Close()
	if !r.keep(far) {
		return
	}
	defer r.forget(far)
	var pair sync.WaitGroup
	pair.Go(func() { r.carry(near, far) })
	pair.Go(func() { r.carry(far, near) })
	pair.Wait()
}

// carry copies one way; the end of one way ends the other.
func (r *Relay) carry(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	_, _ = io.Copy(writer(func(p []byte) (int, error) {
		r.await()
		return to.Write(p)
	}), from) // how a connection ends doesn't matter: both ends see that it does
}

type writer func(p []byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// await waits until bytes may flow.
func (r *Relay) await() {
	r.mu.Lock()
	thaw := r.thaw
	r.mu.Unlock()
	if thaw != nil {
		<-thaw
	}
}

func (r *Relay) keep(conn net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || r.mood == refuses {
		return false
	}
	r.conns[conn] = true
	return true
}

func (r *Relay) forget(conn net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, conn)
}
