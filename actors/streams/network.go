package streams

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/quic-go/quic-go"
	"github.com/rs/zerolog"

	streamsv1 "receptor/proto/streams/v1"
	"receptor/transport"
	"receptor/transport/mesh"
	"receptor/transport/wire"
)

// NetworkConfig describes the Network of a node.
type NetworkConfig struct {
	Plane *mesh.Plane
	Log   zerolog.Logger
	// ResetKey lets this node tell its peers at once that it has forgotten their
	// sessions, if it is the same after a restart. Nil: they find out by silence.
	ResetKey *[32]byte
	// Credentials are the configured TLS profiles; nil: only the built-in one.
	Credentials Credentials
	// QlogDir is a directory for a log of each QUIC connection; empty for none.
	QlogDir string
}

// Network dials and listens. Its methods may be called by any goroutine that may
// wait; they work while the streams actor runs.
type Network struct {
	plane       *mesh.Plane
	log         zerolog.Logger
	resetKey    *quic.StatelessResetKey
	credentials Credentials
	qlogDir     string
	table       *table
	waiters     *waiters
	ready       chan struct{} // closed when the actor started, the first time

	mu        sync.Mutex
	office    *office // nil while no actor runs
	stopped   bool    // the actor ran and has ended
	listeners map[*listener]struct{}

	portsMu sync.Mutex
	ports   map[string]*port // by service
}

// office is where the running streams actor is found.
type office struct {
	root *actor.RootContext
	pid  *actor.PID
	down chan struct{} // closed when the actor stops
}

// NewNetwork returns the Network of a node.
func NewNetwork(cfg NetworkConfig) *Network {
	return &Network{
		plane: cfg.Plane, log: cfg.Log, resetKey: (*quic.StatelessResetKey)(cfg.ResetKey), credentials: cfg.Credentials, qlogDir: cfg.QlogDir,
		table: newTable(), waiters: newWaiters(), ready: make(chan struct{}), listeners: map[*listener]struct{}{},
		ports: map[string]*port{},
	}
}

// Dial implements transport.DialStream. It fails at once, or as soon as the router
// has had time to find another way after the end of a link, if there is no route to
// the node, or nobody listens on the service; an open session costs no hand-shake.
func (n *Network) Dial(ctx context.Context, node, service, tlsName string) (transport.StreamConn, error) {
	return n.DialEarly(ctx, node, service, tlsName, nil)
}

// DialEarly is Dial for who has something to say already, which then costs no packet
// of its own. Only the first maxEarly bytes are that cheap.
func (n *Network) DialEarly(
	ctx context.Context, node, service, tlsName string, early []byte,
) (transport.StreamConn, error) {
	s, err := n.dial(ctx, node, service, tlsName, early[:min(len(early), maxEarly)])
	if err != nil {
		return nil, err
	}
	if len(early) <= maxEarly {
		return s, nil
	}
	if _, err := s.Write(early[maxEarly:]); err != nil {
		s.Abort()
		return nil, fmt.Errorf("open a stream: %w", err)
	}
	return s, nil
}

func (n *Network) dial(ctx context.Context, node, service, tlsName string, early []byte) (*stream, error) {
	if _, err := wire.ParseService(service); err != nil {
		return nil, err
	}
	if mesh.IsLocalhost(node) {
		node = n.plane.NodeID()
	}
	if !n.plane.FindRoute(ctx, node) {
		return nil, fmt.Errorf("%w %s", mesh.ErrNoRoute, node)
	}
	k := key{node: node, service: service, tls: tlsName}
	if tlsName != "" {
		if _, err := n.clientTLS(k); err != nil {
			return nil, err
		}
	}
	if p := n.table.claim(k); p != nil {
		s, err := p.dialStream(ctx, early)
		if err == nil {
			return s, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		p.retire() // it was dead, or ended just now
	}
	p, err := n.session(ctx, k)
	if err != nil {
		return nil, err
	}
	return p.dialStream(ctx, early)
}

// session has the streams actor open one, and acquires it.
func (n *Network) session(ctx context.Context, k key) (*pump, error) {
	o, err := n.await(ctx)
	if err != nil {
		return nil, err
	}
	waiter, answer := n.waiters.add()
	defer n.waiters.leave(waiter, answer)
	o.root.Send(o.pid, &streamsv1.OpenSession{Node: k.node, Service: k.service, TlsClient: k.tls, Waiter: waiter})
	select {
	case a := <-answer:
		return a.pump, a.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-o.down:
		return nil, errStopped
	}
}

// announce gives an accepted connection to the streams actor, which may have to
// start first.
func (n *Network) announce(ctx context.Context, p *pump) error {
	o, err := n.await(ctx)
	if err != nil {
		return err
	}
	if !n.table.add(p) {
		return fmt.Errorf("more than %d sessions", maxSessions)
	}
	o.root.Send(o.pid, &streamsv1.SessionAccepted{Session: p.id})
	return nil
}

// await returns where the streams actor is, once it has started.
func (n *Network) await(ctx context.Context) (*office, error) {
	select {
	case <-n.ready:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.office == nil {
		return nil, errStopped
	}
	return n.office, nil
}

// attach is called by the streams actor when it starts.
func (n *Network) attach(root *actor.RootContext, pid *actor.PID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.office = &office{root: root, pid: pid, down: make(chan struct{})}
	n.stopped = false
	select {
	case <-n.ready:
	default:
		close(n.ready)
	}
}

// detach is called by the streams actor when it stops: nothing of the Network
// outlives it.
func (n *Network) detach() error {
	n.mu.Lock()
	o := n.office
	n.office, n.stopped = nil, true
	listeners := make([]*listener, 0, len(n.listeners))
	for l := range n.listeners {
		listeners = append(listeners, l)
	}
	n.mu.Unlock()
	if o != nil {
		close(o.down)
	}
	var errs []error
	for _, l := range listeners {
		errs = append(errs, l.Close())
	}
	for _, p := range n.table.all() {
		p.stop()
	}
	return errors.Join(errs...)
}

// RetireTLS has the next dials with these TLS clients make connections of their own.
// Streams that are open go on.
func (n *Network) RetireTLS(clients []string) {
	for _, p := range n.table.all() {
		if slices.Contains(clients, p.key.tls) && n.table.offered(p) {
			p.retire()
		}
	}
}

// track notes an open listener. It reports false when the actor has ended.
func (n *Network) track(l *listener) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stopped {
		return false
	}
	n.listeners[l] = struct{}{}
	return true
}

func (n *Network) untrack(l *listener) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.listeners, l)
}

// nodeRestarted ends the connections with a node that knows nothing of them any
// more. Dials under way are meant for the new one.
func (n *Network) nodeRestarted(node string) {
	for _, p := range n.table.all() {
		if p.key.node == node {
			p.forgotten()
		}
	}
}
