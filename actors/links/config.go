package links

import (
	"crypto/x509"
	"strings"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"receptor/actors/links/handshake"
	"receptor/actors/supervise"
	"receptor/actors/supervise/events"
	linksv1 "receptor/proto/links/v1"
	"receptor/transport"
	"receptor/transport/mesh"
)

// DefaultMaxIdle is how long a neighbour may be silent: it is told something every
// 10 s, and one message may be late or lost.
const DefaultMaxIdle = 21 * time.Second

// redial is the wait before the next dial. A neighbour that is just starting is
// met within a fraction of a second. Quiet is longer than the life of a link that
// is never answered (10 s), so that those count as failures in a row, as rejected
// links do.
var redial = supervise.Backoff{Min: 50 * time.Millisecond, Max: 20 * time.Second, Quiet: 12 * time.Second}

// Config is what the family needs.
type Config struct {
	NodeID string
	Log    zerolog.Logger
	Router *actor.PID
	Plane  *mesh.Plane
	Wanted *supervise.Live[Wanted]
	Events *events.Journal // nil: nobody wants to know
}

// Wanted is what the links should be like.
type Wanted struct {
	MaxIdle  time.Duration // zero: DefaultMaxIdle
	Backends []Backend
}

// Backend is one configured neighbour or listening address: it has a Dialer or a
// Binding. One of another Version takes the place of the one before; for the same
// one only cost and peers may change.
type Backend struct {
	Name         string // tcp-peer:10.0.0.1:2222, tcp-listener:[::]:2222
	Version      uint64
	Dialer       transport.Dialer
	Binding      *transport.Binding[transport.Listener]
	Cost         float64            // zero: 1
	NodeCost     map[string]float64 // overrides Cost for a neighbour
	AllowedPeers []string
	AnyPeer      bool // AllowedPeers does not matter
	Redial       bool // dialer: not only once
	// NodeIDs reads the node IDs in the certificates that a neighbour has shown; the
	// one it gives itself has to be among them. Nil: certificates do not matter.
	NodeIDs func([]*x509.Certificate) ([]string, error)
}

// rules are what a backend demands of its neighbours.
func (c Config) rules(w Wanted, b Backend) *linksv1.SetRules {
	r := &linksv1.SetRules{
		Cost: b.Cost, NodeCost: b.NodeCost, AllowedPeers: b.AllowedPeers, AnyPeer: b.AnyPeer,
		MaxIdleMs: w.MaxIdle.Milliseconds(),
	}
	if r.Cost == 0 {
		r.Cost = 1
	}
	if r.MaxIdleMs == 0 {
		r.MaxIdleMs = DefaultMaxIdle.Milliseconds()
	}
	return r
}

// linkConfig is what every link of a backend has in common.
func (c Config) linkConfig(b Backend, first *linksv1.SetRules) linkConfig {
	rules := &rules{}
	rules.set(c.NodeID, first)
	return linkConfig{
		rules: rules, nodeID: c.NodeID,
		log: c.Log, router: c.Router, plane: c.Plane, nodeIDs: b.NodeIDs, settled: func() {},
		backend: b.Name, events: c.Events,
	}
}

// rules are those in force for a backend. The dialer or listener changes them; its
// links read them when they are born.
type rules struct{ now atomic.Pointer[ruling] }

// ruling never changes.
type ruling struct {
	handshake handshake.Config
	maxIdle   time.Duration
}

func (r *rules) set(nodeID string, m *linksv1.SetRules) { r.now.Store(newRuling(nodeID, m)) }

func newRuling(nodeID string, m *linksv1.SetRules) *ruling {
	return &ruling{
		handshake: handshake.Config{
			NodeID: nodeID, Cost: m.GetCost(), NodeCost: m.GetNodeCost(),
			AllowedPeers: m.GetAllowedPeers(), AnyPeer: m.GetAnyPeer(),
		},
		maxIdle: time.Duration(m.GetMaxIdleMs()) * time.Millisecond,
	}
}

// splitName splits tcp-peer:<addr> into TCP and the address. The kinds are named as
// in the logs of existing nodes.
func splitName(name string) (kind, addr string) {
	head, addr, _ := strings.Cut(name, ":")
	kind, _, _ = strings.Cut(head, "-")
	if kind == "ws" {
		return "Websocket", addr
	}
	return strings.ToUpper(kind), addr
}
