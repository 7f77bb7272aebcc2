package streams

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/quic-go/quic-go"

	"receptor/transport"
	"receptor/transport/mesh"
)

// ListenOptions describe a listener.
type ListenOptions struct {
	// TLS names a configured TLS server; empty for the built-in profile.
	TLS string
}

// listener accepts the streams of one service.
type listener struct {
	net     *Network
	service string
	port    *port
	quic    *quic.Listener
	queue   chan *stream

	shutting, closing sync.Once
	ctx               context.Context // done when it accepts no more
	cancel            context.CancelFunc
	loop              chan struct{} // closed when the accept loop has ended

	mu      sync.Mutex
	pumps   map[*pump]struct{}
	retired bool // ends with its last connection
}

// Listen opens a service of this node. An empty name means a random one. Streams
// can be accepted once the streams actor runs.
func (n *Network) Listen(service string, opt ListenOptions) (transport.StreamListener, error) {
	creds, err := n.serverTLS(opt.TLS)
	if err != nil {
		return nil, err
	}
	port, err := n.takePort(service)
	if err != nil {
		return nil, err
	}
	l := &listener{
		net: n, port: port, service: port.service, queue: make(chan *stream, maxQueue), loop: make(chan struct{}),
		pumps: map[*pump]struct{}{},
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	if l.quic, err = port.tr.Listen(creds, n.quicConfig(false)); err != nil {
		n.vacatePort(port)
		n.leavePort(port)
		return nil, fmt.Errorf("listen on service %s: %w", service, err)
	}
	go l.run()
	if !n.track(l) {
		return nil, errors.Join(errStopped, l.Close())
	}
	return l, nil
}

// run accepts connections and announces them to the streams actor.
func (l *listener) run() {
	defer close(l.loop)
	for {
		conn, err := l.quic.Accept(l.ctx)
		if err != nil {
			l.cancel()
			return
		}
		node := nodeOf(conn.RemoteAddr())
		p := l.net.admitted(l, conn, node)
		if !l.keep(p) {
			return
		}
		if err := l.net.announce(l.ctx, p); err != nil {
			l.net.log.Warn().Err(err).Str("node", node).Str("service", l.service).Msg("session refused")
			p.stop()
		}
	}
}

// nodeOf is the node part of a mesh address.
func nodeOf(addr net.Addr) string {
	if a, ok := addr.(*mesh.Addr); ok {
		return a.Node
	}
	return addr.String()
}

// keep notes a connection that has to end with the listener. It reports false if
// the listener has ended already.
func (l *listener) keep(p *pump) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ctx.Err() != nil {
		p.closeConn(codeNormal, reasonNormal)
		return false
	}
	l.pumps[p] = struct{}{}
	return true
}

func (l *listener) forget(p *pump) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.pumps, p)
	if l.retired && len(l.pumps) == 0 {
		go l.end() // not here: it closes what p still uses
	}
}

// deliver hands a stream to whoever accepts, and waits for room.
func (l *listener) deliver(s *stream) {
	select {
	case l.queue <- s:
		if l.ctx.Err() != nil {
			l.refuseQueued() // nobody accepts any more
		}
	case <-l.ctx.Done():
		s.Abort()
	case <-s.pump.conn.Context().Done():
		s.Abort()
	}
}

// Accept implements transport.StreamListener. After Close it returns net.ErrClosed.
func (l *listener) Accept() (transport.StreamConn, error) {
	select {
	case s := <-l.queue:
		return s, nil
	case <-l.ctx.Done():
		return nil, fmt.Errorf("service %s: %w", l.service, net.ErrClosed)
	}
}

// Addr is the mesh address of the service.
func (l *listener) Addr() net.Addr { return l.port.socket.LocalAddr() }

// Close ends the listener and every stream that it accepted. QUIC is closed
// before the socket.
func (l *listener) Close() error {
	err := l.shut()
	l.end()
	return err
}

// Retire implements transport.Retirer. Peers are told to come again with what is new,
// and another listener can take the service at once.
func (l *listener) Retire() error {
	err := l.shut()
	l.refuseQueued()
	for _, p := range l.all() {
		p.retire()
		if p.carriesMany() { // others would take the notice for the end of their stream
			l.port.socket.TurnAway(p.conn.RemoteAddr())
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.retired = true
	if len(l.pumps) == 0 {
		go l.end()
	}
	return err
}

// shut accepts no more.
func (l *listener) shut() (err error) {
	l.shutting.Do(func() {
		l.cancel()
		err = l.quic.Close()
		<-l.loop
		l.net.vacatePort(l.port)
	})
	return err
}

// end ends what is left of it.
func (l *listener) end() {
	l.closing.Do(func() {
		for _, p := range l.all() {
			p.stop()
		}
		l.net.leavePort(l.port)
		l.net.untrack(l)
	})
}

// refuseQueued ends streams that nobody will take.
func (l *listener) refuseQueued() {
	for {
		select {
		case s := <-l.queue:
			s.Abort()
		default:
			return
		}
	}
}

func (l *listener) all() []*pump {
	l.mu.Lock()
	defer l.mu.Unlock()
	pumps := make([]*pump, 0, len(l.pumps))
	for p := range l.pumps {
		pumps = append(pumps, p)
	}
	return pumps
}
