package udp

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"receptor/transport"
	"receptor/transport/frame"
	"receptor/transport/internal/socket"
	"receptor/transport/wire"
)

const (
	// maxLinks bounds the links of one socket, and maxWaiting those nobody has
	// accepted: addresses are easily forged.
	maxLinks   = 4096
	maxWaiting = 128
)

// Listener makes a link of every address that sends something to its socket.
type Listener struct {
	conn    *net.UDPConn
	runs    bool
	waiting chan *link
	ended   chan struct{} // closed when nothing more comes
	why     error         // valid when ended

	mu      sync.Mutex
	links   map[netip.AddrPort]*link // nil when ended
	dropped atomic.Uint64
}

var _ transport.Listener = (*Listener)(nil)

// Listen opens a socket on host:port. Port 0 is any free port.
func Listen(addr string) (*Listener, error) {
	addr, err := socket.Join(addr)
	if err != nil {
		return nil, err
	}
	var cfg net.ListenConfig
	packets, err := cfg.ListenPacket(context.Background(), "udp", addr)
	if err != nil {
		return nil, err
	}
	conn, ok := packets.(*net.UDPConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("listen udp %s: a %T", addr, packets), packets.Close())
	}
	runs, err := prepare(conn)
	if err == nil && conn.LocalAddr().(*net.UDPAddr).IP.IsUnspecified() {
		err = askDestination(conn)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	l := &Listener{
		conn: conn, runs: runs, links: map[netip.AddrPort]*link{},
		waiting: make(chan *link, maxWaiting), ended: make(chan struct{}),
	}
	go l.run()
	return l, nil
}

// Bind describes the socket of Listen for the actor that will own it.
func Bind(addr string) *transport.Binding[transport.Listener] {
	return transport.NewBinding(func() (transport.Listener, error) {
		l, err := Listen(addr)
		if err != nil {
			return nil, err
		}
		return l, nil
	})
}

// ListenerName is udp-listener:<addr>.
func ListenerName(addr string) string { return socket.Name("udp-listener", addr) }

// Accept waits for the first message of an address that has no link.
func (l *Listener) Accept() (transport.Conn, error) {
	select {
	case <-l.ended:
		return nil, l.why
	default:
	}
	select {
	case c := <-l.waiting:
		return c, nil
	case <-l.ended:
		return nil, l.why
	}
}

// Addr is the address with the port that was given or found.
func (l *Listener) Addr() string { return l.conn.LocalAddr().String() }

// Dropped is how many datagrams found no link and could not begin one.
func (l *Listener) Dropped() uint64 { return l.dropped.Load() }

// Close closes the socket, and with it the links: it is theirs, too.
func (l *Listener) Close() error {
	l.mu.Lock()
	links := slices.Collect(maps.Values(l.links))
	l.mu.Unlock()
	var problems []error
	for _, c := range links {
		problems = append(problems, c.Close())
	}
	problems = append(problems, closeSocket(l.conn))
	<-l.ended
	return errors.Join(problems...)
}

// run gives what comes to the links, and waits for none of them.
func (l *Listener) run() {
	r := newReceiver(l.conn)
	for {
		came, from, err := r.read()
		if err != nil {
			l.end(err)
			return
		}
		if len(came.rest) == 0 {
			continue // existing nodes die of an empty message; we take it for none
		}
		if c := l.find(from, came); c != nil {
			c.dropped.Add(c.inbox.put(came))
		}
	}
}

func (l *Listener) end(err error) {
	if errors.Is(err, net.ErrClosed) {
		err = net.ErrClosed
	}
	l.mu.Lock()
	links := l.links
	l.links = nil
	l.mu.Unlock()
	for _, c := range links {
		c.inbox.end(err)
	}
	l.why = err
	close(l.ended)
}

// find returns the link of an address, a new one if there is room: nil if not. A
// reject is no beginning; it answers a link that is gone.
func (l *Listener) find(from netip.AddrPort, came datagrams) *link {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.links[from]; c != nil {
		return c
	}
	if came.rest[0] == wire.TypeReject || len(l.links) >= maxLinks {
		l.dropped.Add(1)
		return nil
	}
	c := &link{
		listener: l, from: from, origin: origin(came.control), inbox: newInbox(),
		remote: netip.AddrPortFrom(from.Addr().Unmap(), from.Port()).String(),
	}
	c.sender = newSender(l.conn, from, c.origin, l.runs, &c.dropped)
	select {
	case l.waiting <- c:
		l.links[from] = c
		return c
	default:
		l.dropped.Add(1)
		return nil
	}
}

func (l *Listener) forget(c *link) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.links[c.from] == c {
		delete(l.links, c.from)
	}
}

// link is one remote address of a listener's socket.
type link struct {
	listener *Listener
	from     netip.AddrPort
	origin   []byte // control message: send from where the first message was sent to
	remote   string
	inbox    *inbox
	sender   sender
	closed   atomic.Bool
	dropped  atomic.Uint64
}

// ReadFrame returns the next message.
func (c *link) ReadFrame() (*frame.Buf, error) { return c.inbox.take() }

// WriteFrames sends the batch. A message that is too long is refused before
// anything is sent.
func (c *link) WriteFrames(batch []*frame.Buf) error {
	if c.closed.Load() {
		return net.ErrClosed
	}
	if err := checkLengths(batch, c.remote); err != nil {
		return err
	}
	return c.sender.send(batch)
}

// MaxFrame is the longest message of a packet.
func (c *link) MaxFrame() int { return MaxFrame }

// RemoteAddr is the address of the far end.
func (c *link) RemoteAddr() string { return c.remote }

// Dropped is how many messages there was no room for, in either direction.
func (c *link) Dropped() uint64 { return c.dropped.Load() }

// Close takes leave and forgets the address: what still comes from there begins a
// new link.
func (c *link) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	_, _, err := c.listener.conn.WriteMsgUDPAddrPort(wire.Reject, c.origin, c.from)
	c.listener.forget(c)
	c.inbox.end(net.ErrClosed)
	return farewell(err)
}
