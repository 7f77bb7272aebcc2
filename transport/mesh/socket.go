package mesh

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"receptor/transport/frame"
	"receptor/transport/wire"
)

const (
	// defaultRing is how many datagrams wait for a reader before new ones are
	// dropped: a burst of one congestion window of a busy sender.
	defaultRing = 2048
	// MaxPayload is the longest payload of a datagram, in bytes. Links over UDP carry
	// a little less.
	MaxPayload = frame.MaxLen - wire.HeaderLen
	// rememberedPeers bounds the addresses a socket keeps ready.
	rememberedPeers = 256
)

// SocketOptions describe a Socket.
type SocketOptions struct {
	// Hops is how many links a datagram may cross; zero means 30.
	Hops byte
	// Lossy sockets never report a routing error to the writer: to QUIC a route
	// that is gone for a moment is a lost packet.
	Lossy bool
	// Impatient sockets never wait for room in a link's queue: what is too much costs
	// the longest flow, as it does in transit.
	Impatient bool
	// OnUnreachable is told of datagrams of this socket that did not arrive, and
	// which node said so. It must not block.
	OnUnreachable func(u wire.Unreachable, from string)
	// Ring is how many datagrams wait for the reader; zero means 2048.
	Ring int
}

// Socket is a local service: a net.PacketConn whose addresses are Addr.
type Socket struct {
	plane   *Plane
	service wire.Service
	local   *Addr
	opt     SocketOptions

	mu    sync.Mutex // guards ring
	ring  fifo
	ready chan struct{} // capacity 1: the ring may hold something

	closing  sync.Once
	closed   chan struct{}
	deadline *deadline
	writing  patience

	reading sync.Mutex     // held by ReadFrom
	peers   map[dest]*Addr // guarded by reading
	lastDst atomic.Pointer[Addr]
	dropped atomic.Uint64
}

var _ net.PacketConn = (*Socket)(nil)

// Listen opens a socket for a service; an empty name means a new one of eight
// random characters. The errors are a name of more than eight bytes and
// ErrServiceInUse.
func (p *Plane) Listen(service string, opt SocketOptions) (*Socket, error) {
	if opt.Hops == 0 {
		opt.Hops = wire.DefaultHops
	}
	if opt.Ring == 0 {
		opt.Ring = defaultRing
	}
	return p.listen(service, opt)
}

func (p *Plane) listen(service string, opt SocketOptions) (*Socket, error) {
	ephemeral := service == ""
	for {
		if ephemeral {
			service = randomService()
		}
		id, err := wire.ParseService(service)
		if err != nil {
			return nil, err
		}
		s := &Socket{
			plane: p, service: id, opt: opt,
			local: newAddr(p.self, service, dest{node: p.hash, service: id}),
			ready: make(chan struct{}, 1), closed: make(chan struct{}),
			deadline: newDeadline(), peers: map[dest]*Addr{},
		}
		_, taken := p.sockets.LoadOrStore(id, s)
		if !taken && p.isClosed() { // looked at after the socket is where Close finds it
			return nil, errors.Join(fmt.Errorf("listen on service %s: %w", service, net.ErrClosed), s.Close())
		}
		if !taken && id != servicePing && id != serviceUnreach {
			return s, nil
		}
		if !taken {
			p.sockets.Delete(id)
		}
		if !ephemeral {
			return nil, fmt.Errorf("service %s %w", service, ErrServiceInUse)
		}
	}
}

// serviceLen is the length of a random service name, the longest there is.
const serviceLen = len(wire.Service{})

const serviceAlphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// randomService draws a name evenly from 62^8.
func randomService() string {
	name := make([]byte, 0, serviceLen)
	var pool [2 * serviceLen]byte
	for len(name) < serviceLen {
		rand.Read(pool[:]) // never fails
		for _, b := range pool {
			if b < 4*62 && len(name) < serviceLen {
				name = append(name, serviceAlphabet[b%62])
			}
		}
	}
	return string(name)
}

// LocalAddr is the node's own name and the service.
func (s *Socket) LocalAddr() net.Addr { return s.local }

// Dropped counts datagrams dropped because the reader was too slow.
func (s *Socket) Dropped() uint64 { return s.dropped.Load() }

// push takes a frame off a link. It never blocks: when the reader is too slow the
// frame is dropped, which is what datagrams promise.
func (s *Socket) push(f *frame.Buf) {
	s.mu.Lock()
	if s.ring.len() >= s.opt.Ring || s.isClosed() {
		s.mu.Unlock()
		s.dropped.Add(1)
		f.Free()
		return
	}
	s.ring.push(f)
	first := s.ring.len() == 1
	s.mu.Unlock()
	if first {
		select {
		case s.ready <- struct{}{}:
		default:
		}
	}
}

func (s *Socket) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

func (s *Socket) pop() *frame.Buf {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ring.empty() {
		return nil
	}
	return s.ring.pop()
}

// ReadFrom implements net.PacketConn. The address is an *Addr that stays the same for
// the same sender.
func (s *Socket) ReadFrom(b []byte) (int, net.Addr, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	for !s.deadline.over.Load() {
		if n, addr := s.take(b); addr != nil {
			return n, addr, nil
		}
		select {
		case <-s.ready:
		case <-s.closed:
			return 0, nil, net.ErrClosed
		case <-s.deadline.wait():
		}
	}
	if s.isClosed() {
		return 0, nil, net.ErrClosed
	}
	return 0, nil, os.ErrDeadlineExceeded
}

// take reads what is there without waiting. It is called with reading held; the
// address is nil if there is nothing.
func (s *Socket) take(b []byte) (int, *Addr) {
	for f := s.pop(); f != nil; f = s.pop() {
		addr := s.sender(f.Bytes())
		if addr == nil {
			s.plane.counters.UnknownSource.Add(1)
			f.Free()
			continue
		}
		n := copy(b, f.Bytes()[wire.HeaderLen:])
		f.Free()
		return n, addr
	}
	return 0, nil
}

// sender is the address of a frame's origin, nil if that node is not known.
func (s *Socket) sender(msg []byte) *Addr {
	h, err := wire.DecodeHeader(msg)
	if err != nil {
		return nil
	}
	d := dest{node: h.From, service: h.FromService}
	if a, ok := s.peers[d]; ok {
		return a
	}
	name, ok := s.plane.table.Load().names[h.From]
	if !ok {
		return nil
	}
	if len(s.peers) >= rememberedPeers {
		clear(s.peers)
	}
	a := newAddr(name, h.FromService.String(), d)
	s.peers[d] = a
	return a
}

// WriteTo implements net.PacketConn. While the link's queue is full it waits, until
// the write deadline or Close.
// A routing error is ErrNoRoute, which a Lossy socket does not report. Whatever else
// becomes of the datagram, OnUnreachable may hear of it.
func (s *Socket) WriteTo(b []byte, addr net.Addr) (int, error) {
	if err := s.writing.over(); err != nil {
		return 0, err
	}
	a, err := s.destination(addr)
	if err != nil {
		return 0, err
	}
	if len(b) > MaxPayload {
		return 0, fmt.Errorf("%d bytes to %s: %w", len(b), a, ErrTooLarge)
	}
	f := frame.New(wire.HeaderLen + len(b))
	wire.Header{
		HopsToLive: s.opt.Hops,
		From:       s.plane.hash, FromService: s.service,
		To: a.dest.node, ToService: a.dest.service,
	}.Put(f.Bytes())
	copy(f.Bytes()[wire.HeaderLen:], b)
	s.plane.traceSent(f.Bytes())
	var wait *patience
	if !s.opt.Impatient {
		wait = &s.writing
	}
	if err := s.plane.send(f, wait); err != nil && !s.opt.Lossy {
		return 0, err
	}
	return len(b), nil
}

// destination resolves addr; callers mostly write to the same one.
func (s *Socket) destination(addr net.Addr) (*Addr, error) {
	if a, ok := addr.(*Addr); ok && a != nil && a.text != "" {
		return a, nil
	}
	if a, ok := addr.(Addr); ok {
		if last := s.lastDst.Load(); last != nil && last.Node == a.Node && last.Service == a.Service {
			return last, nil
		}
	}
	a, err := s.plane.resolve(addr)
	if err == nil {
		s.lastDst.Store(a)
	}
	return a, err
}

// send routes a frame of a local socket: like forward, but it can wait for room and
// tells errors.
func (p *Plane) send(f *frame.Buf, wait *patience) error {
	msg := f.Bytes()
	if !p.admit(msg) {
		f.Free()
		return nil // a rejected sender gets a notice, as it would from afar
	}
	if destination(msg) == p.hash {
		p.deliver(f)
		return nil
	}
	if msg[offHops] == 0 {
		p.counters.Expired.Add(1)
		p.bounce(msg, wire.ProblemExpired)
		f.Free()
		return nil
	}
	next, ok := p.table.Load().next[destination(msg)]
	if !ok {
		p.counters.NoRoute.Add(1)
		f.Free()
		return ErrNoRoute
	}
	msg[offHops]--
	if next.putData(f, wait) {
		return nil
	}
	if wait != nil {
		if err := wait.over(); err != nil {
			return err
		}
	}
	return ErrNoRoute // the link ended while we waited
}

// TurnAway tells the socket of a node that nothing new is welcome here, as if nobody
// listened. What it has begun goes on.
func (s *Socket) TurnAway(who net.Addr) {
	a, err := s.plane.resolve(who)
	if err != nil {
		return // nobody there to be told; a notice is a courtesy
	}
	s.plane.notify(a.dest.node, wire.Unreachable{
		FromNode: a.Node, FromService: a.Service, ToNode: s.plane.self, ToService: s.service.String(),
		Problem: wire.ProblemServiceUnknown,
	})
}

// unreachable passes a notice on to the socket's owner.
func (s *Socket) unreachable(u wire.Unreachable, from string) {
	if s.opt.OnUnreachable != nil {
		s.opt.OnUnreachable(u, from)
	}
}

// Close frees the service name and wakes the reader.
func (s *Socket) Close() error {
	s.closing.Do(func() {
		s.plane.sockets.CompareAndDelete(s.service, s)
		close(s.closed)
		s.writing.close()
		s.deadline.set(time.Time{})
		s.mu.Lock()
		defer s.mu.Unlock()
		for !s.ring.empty() {
			s.ring.pop().Free()
		}
	})
	return nil
}

// SetReadDeadline implements net.PacketConn.
func (s *Socket) SetReadDeadline(t time.Time) error {
	s.deadline.set(t)
	return nil
}

// SetDeadline implements net.PacketConn.
func (s *Socket) SetDeadline(t time.Time) error {
	s.deadline.set(t)
	s.writing.set(t)
	return nil
}

// SetWriteDeadline implements net.PacketConn. Only a write that has to wait for a
// link takes time.
func (s *Socket) SetWriteDeadline(t time.Time) error {
	s.writing.set(t)
	return nil
}
