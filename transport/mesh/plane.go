package mesh

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"receptor/transport/frame"
	"receptor/transport/mesh/firewall"
	"receptor/transport/wire"
)

var (
	// ErrNoRoute is a destination that no link leads to.
	ErrNoRoute = errors.New("no route to node")
	// ErrServiceInUse is a service name that has a socket already, or is reserved.
	ErrServiceInUse = errors.New("is already listening")
	// ErrTooLarge is a payload that no frame can carry.
	ErrTooLarge = errors.New("datagram too large")
	// ErrClosed is a Queue or Socket that was closed.
	ErrClosed = errors.New("closed")
)

// ProblemNoRoute is what a node in transit answers when it knows no way on. Other
// implementations show it in pings and ignore it in dials.
const ProblemNoRoute = "no route to node"

var (
	servicePing    = mustService("ping")
	serviceUnreach = mustService("unreach")
)

func mustService(name string) wire.Service {
	s, err := wire.ParseService(name)
	if err != nil {
		panic(err)
	}
	return s
}

// Config describes a Plane.
type Config struct {
	NodeID   string
	Firewall *firewall.Firewall // nil lets everything pass
	Tracer   Tracer             // nil: nobody wants to hear of messages
}

// Plane is the data plane of one node. All methods may be called by any
// goroutine; Receive, and writing to a Socket, take no lock that another link or
// socket takes.
type Plane struct {
	self    string
	hash    uint64
	rules   atomic.Pointer[firewall.Firewall] // nil lets everything pass
	tracer  atomic.Pointer[Tracer]            // nil: nobody wants to hear of messages
	table   atomic.Pointer[table]
	sockets sync.Map // wire.Service -> *Socket

	parted atomic.Int64 // when a link was last detached, in Unix nanoseconds

	closing sync.Once
	closed  chan struct{} // by Close

	mu     sync.Mutex // guards what the table is built from
	links  map[string]*Queue
	routes Routes

	counters Counters
}

// Routes is what the router publishes.
type Routes struct {
	// NextHop is the neighbour to send to, by destination.
	NextHop map[string]string
	// Names are all nodes known, whether there is a route to them or not.
	Names []string
}

// table is the immutable answer to "where next, and who is that".
type table struct {
	next     map[uint64]*Queue
	names    map[uint64]string
	replaced chan struct{} // closed when there is a newer one
}

// Counters count what the data plane drops. They only grow.
type Counters struct {
	Malformed     atomic.Uint64 // shorter than a header
	UnknownSource atomic.Uint64 // the source is no known node
	Expired       atomic.Uint64 // out of hops
	NoRoute       atomic.Uint64 // nowhere to send it
	NoService     atomic.Uint64 // nobody listens here
	Blocked       atomic.Uint64 // a firewall rule said no
	UnknownNode   atomic.Uint64 // there are firewall rules, and a node in the header is not known
	Forwarded     atomic.Uint64 // frames passed on to the next link
	Delivered     atomic.Uint64 // frames handed to a local socket
}

// New returns the data plane of a node without links.
func New(cfg Config) *Plane {
	p := &Plane{self: cfg.NodeID, hash: wire.NodeHash(cfg.NodeID), links: map[string]*Queue{}, closed: make(chan struct{})}
	p.SetFirewall(cfg.Firewall)
	p.SetTracer(cfg.Tracer)
	p.rebuild()
	return p
}

// NodeID is the node's own name.
func (p *Plane) NodeID() string { return p.self }

// Counters are the plane's own; read them with Load.
func (p *Plane) Counters() *Counters { return &p.counters }

// SetFirewall replaces the rules, also for what is under way; nil lets everything pass.
func (p *Plane) SetFirewall(rules *firewall.Firewall) { p.rules.Store(rules) }

// Attach makes q the way to a neighbour. A queue attached earlier for the same
// neighbour is no longer used.
func (p *Plane) Attach(node string, q *Queue) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.links[node] = q
	p.rebuild()
}

// Detach ends the use of q. It does nothing if another queue took its place.
func (p *Plane) Detach(node string, q *Queue) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.links[node] == q {
		delete(p.links, node)
		p.parted.Store(time.Now().UnixNano())
		p.rebuild()
	}
}

// Publish replaces the routes.
func (p *Plane) Publish(r Routes) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.routes = Routes{NextHop: maps.Clone(r.NextHop), Names: append([]string(nil), r.Names...)}
	p.rebuild()
}

// rebuild publishes a new table; mu is held, or nobody else knows p yet.
func (p *Plane) rebuild() {
	t := &table{
		next:  make(map[uint64]*Queue, len(p.routes.NextHop)),
		names: make(map[uint64]string, len(p.routes.Names)+len(p.links)+1),

		replaced: make(chan struct{}),
	}
	for _, name := range p.routes.Names {
		t.names[wire.NodeHash(name)] = name
	}
	for dst, hop := range p.routes.NextHop {
		if q, ok := p.links[hop]; ok {
			t.next[wire.NodeHash(dst)] = q
		}
	}
	for name := range p.links {
		t.names[wire.NodeHash(name)] = name
	}
	t.names[p.hash] = p.self
	if old := p.table.Swap(t); old != nil {
		close(old.replaced)
	}
}

// HasRoute reports whether datagrams to node have somewhere to go now.
func (p *Plane) HasRoute(node string) bool { return p.table.Load().leads(p, node) }

func (t *table) leads(p *Plane, node string) bool {
	if IsLocalhost(node) || node == p.self {
		return true
	}
	_, ok := t.next[wire.NodeHash(node)]
	return ok
}

// regroup is how long after the end of a link the router may take to say where else
// to go.
const regroup = 500 * time.Millisecond

// FindRoute is HasRoute for who can wait: so shortly after the end of a link that there
// may be another way, it waits for that.
func (p *Plane) FindRoute(ctx context.Context, node string) bool {
	if p.HasRoute(node) {
		return true
	}
	left := regroup - time.Since(time.Unix(0, p.parted.Load()))
	if left <= 0 {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	return p.WaitForRoute(ctx, node) == nil
}

// Close ends every socket: the node has stopped, and nobody shall wait for what never
// comes. There are no new ones.
func (p *Plane) Close() error {
	p.closing.Do(func() { close(p.closed) })
	var errs []error
	p.sockets.Range(func(_, s any) bool {
		errs = append(errs, s.(*Socket).Close())
		return true
	})
	return errors.Join(errs...)
}

func (p *Plane) isClosed() bool {
	select {
	case <-p.closed:
		return true
	default:
		return false
	}
}

// WaitForRoute waits until datagrams to node have somewhere to go. The error is
// ErrNoRoute with the reason why ctx was done, or net.ErrClosed.
func (p *Plane) WaitForRoute(ctx context.Context, node string) error {
	for {
		t := p.table.Load()
		if t.leads(p, node) {
			return nil
		}
		select {
		case <-t.replaced:
		case <-p.closed:
			return fmt.Errorf("%w %s: %w", ErrNoRoute, node, net.ErrClosed)
		case <-ctx.Done():
			return fmt.Errorf("%w %s: %w", ErrNoRoute, node, context.Cause(ctx))
		}
	}
}

// Receive takes a data message off a link. It owns f and never blocks.
func (p *Plane) Receive(f *frame.Buf) {
	if f.Len() < wire.HeaderLen {
		p.counters.Malformed.Add(1)
		f.Free()
		return
	}
	p.route(f)
}
