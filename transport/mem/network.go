// Package mem carries frames between neighbours in memory, with the semantics of
// TCP and without its sockets: it works in a testing/synctest bubble.
//
//	Network ── named end points; Cut, Heal and Mute act on what is between two
//	├── Listener   Listen("b")
//	└── Dialer     Dialer("a", "b")
package mem

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"syscall"

	"receptor/transport"
)

// backlog is how many connections wait to be accepted; a dialer waits beyond that.
const backlog = 64

// Network connects named end points.
type Network struct {
	mu        sync.Mutex
	listeners map[string]*Listener
	cut       map[pair]bool
	mutes     map[pair]*mute
	conns     map[pair][]*end
	dialled   int
}

// pair names what is between two end points, in whichever order.
type pair struct{ a, b string }

func between(a, b string) pair {
	if b < a {
		a, b = b, a
	}
	return pair{a, b}
}

// mute makes frames vanish on their way.
type mute struct{ on atomic.Bool }

// NewNetwork returns a network without end points. In a bubble it is made there.
func NewNetwork() *Network {
	return &Network{
		listeners: map[string]*Listener{}, cut: map[pair]bool{},
		mutes: map[pair]*mute{}, conns: map[pair][]*end{},
	}
}

// Cut ends all connections between two end points and refuses new ones until Heal.
func (n *Network) Cut(a, b string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := between(a, b)
	n.cut[p] = true
	n.closeAll(p)
}

// Break ends all connections between two end points; they may dial again.
func (n *Network) Break(a, b string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closeAll(between(a, b))
}

// Heal undoes Cut and Mute.
func (n *Network) Heal(a, b string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := between(a, b)
	delete(n.cut, p)
	n.mute(p).on.Store(false)
}

// Mute makes all frames between two end points vanish: both see a silent
// neighbour, no error.
func (n *Network) Mute(a, b string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mute(between(a, b)).on.Store(true)
}

// Dialled counts the attempts to connect so far.
func (n *Network) Dialled() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dialled
}

func (n *Network) closeAll(p pair) {
	for _, e := range n.conns[p] {
		e.snap()
	}
	delete(n.conns, p)
}

func (n *Network) mute(p pair) *mute {
	if n.mutes[p] == nil {
		n.mutes[p] = &mute{}
	}
	return n.mutes[p]
}

// Listener accepts the connections to one end point.
type Listener struct {
	network *Network
	name    string
	queue   chan *end
	closed  chan struct{}
	close   func()
}

var _ transport.Listener = (*Listener)(nil)

// Listen opens the end point called name.
func (n *Network) Listen(name string) (*Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners[name] != nil {
		return nil, &net.OpError{Op: "listen", Net: "mem", Addr: Addr(name), Err: syscall.EADDRINUSE}
	}
	l := &Listener{network: n, name: name, queue: make(chan *end, backlog), closed: make(chan struct{})}
	l.close = sync.OnceFunc(l.shut)
	n.listeners[name] = l
	return l, nil
}

// Bind describes the end point of Listen for the actor that will own it.
func (n *Network) Bind(name string) *transport.Binding[transport.Listener] {
	return transport.NewBinding(func() (transport.Listener, error) {
		l, err := n.Listen(name)
		if err != nil {
			return nil, err
		}
		return l, nil
	})
}

// Accept waits for the next connection.
func (l *Listener) Accept() (transport.Conn, error) {
	select {
	case e := <-l.queue:
		return e, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Addr is the name of the end point.
func (l *Listener) Addr() string { return l.name }

// Close closes the end point and what nobody accepted; accepted connections stay.
func (l *Listener) Close() error {
	l.close()
	return nil
}

func (l *Listener) shut() {
	l.network.mu.Lock()
	delete(l.network.listeners, l.name)
	l.network.mu.Unlock()
	close(l.closed)
	for {
		select {
		case e := <-l.queue:
			e.closeOne()
		default:
			return
		}
	}
}

// Dialer connects one end point with another.
type Dialer struct {
	network  *Network
	from, to string
}

var _ transport.Dialer = (*Dialer)(nil)

// Dialer returns a dialer at from for the listener at to, which may come later.
func (n *Network) Dialer(from, to string) *Dialer {
	return &Dialer{network: n, from: from, to: to}
}

// Dial opens a connection.
func (d *Dialer) Dial(ctx context.Context) (transport.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	near, far, l, err := d.connect()
	if err != nil {
		return nil, err
	}
	select {
	case l.queue <- far:
	case <-l.closed:
		return nil, d.refused()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case <-l.closed: // perhaps after shut looked at the queue
		far.closeOne()
	default:
	}
	return near, nil
}

// connect makes both ends and remembers them for Cut.
func (d *Dialer) connect() (near, far *end, l *Listener, err error) {
	n, p := d.network, between(d.from, d.to)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dialled++
	l = n.listeners[d.to]
	if l == nil || n.cut[p] {
		return nil, nil, nil, d.refused()
	}
	near, far = pipe(d.from, d.to, n.mute(p))
	open := n.conns[p][:0]
	for _, e := range n.conns[p] {
		if e.over() == nil {
			open = append(open, e)
		}
	}
	n.conns[p] = append(open, near)
	return near, far, l, nil
}

func (d *Dialer) refused() error {
	return &net.OpError{Op: "dial", Net: "mem", Addr: Addr(d.to), Err: syscall.ECONNREFUSED}
}

// Name is mem-peer:<to>.
func (d *Dialer) Name() string { return fmt.Sprintf("mem-peer:%s", d.to) }

// Addr is the name of an end point as a net.Addr.
type Addr string

// Network is mem.
func (a Addr) Network() string { return "mem" }

// String is the name.
func (a Addr) String() string { return string(a) }
