package links

import (
	"crypto/x509"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"receptor/actors/links/handshake"
	"receptor/actors/supervise"
	"receptor/internal/events"
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
	NodeID   string
	Log      zerolog.Logger
	Router   *actor.PID
	Plane    *mesh.Plane
	MaxIdle  time.Duration // zero: DefaultMaxIdle
	Backends []Backend
	Events   *events.Journal // nil: nobody wants to know
}

// Backend is one configured neighbour or listening address: it has a Dialer or a
// Binding.
type Backend struct {
	Name         string // tcp-peer:10.0.0.1:2222, tcp-listener:[::]:2222
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

// linkConfig is what every link of a backend has in common.
func (c Config) linkConfig(b Backend) linkConfig {
	cost := b.Cost
	if cost == 0 {
		cost = 1
	}
	maxIdle := c.MaxIdle
	if maxIdle == 0 {
		maxIdle = DefaultMaxIdle
	}
	return linkConfig{
		handshake: handshake.Config{
			NodeID: c.NodeID, Cost: cost, NodeCost: b.NodeCost, AllowedPeers: b.AllowedPeers, AnyPeer: b.AnyPeer,
		},
		log: c.Log, router: c.Router, plane: c.Plane, maxIdle: maxIdle, nodeIDs: b.NodeIDs, settled: func() {},
		backend: b.Name, events: c.Events,
	}
}

// splitName splits tcp-peer:<addr> into TCP and the address.
func splitName(name string) (kind, addr string) {
	head, addr, _ := strings.Cut(name, ":")
	kind, _, _ = strings.Cut(head, "-")
	return strings.ToUpper(kind), addr
}
