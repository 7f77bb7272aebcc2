// Package handshake is the link protocol: who the neighbour is, whether it may be
// one, and whether both ends stay of one mind. It does nothing itself; each event
// is answered with what should be done.
//
//	waiting ──first update──► asking ──accepted──► established
//	   │                        │                       │
//	   │ 11th tick              │ refused               │ a rule is broken
//	   ▼                        ▼                       ▼
//	 over ◄─────────────────────┴───────────────────────┘
//
// In every state a reject ends it.
package handshake

import (
	"slices"
	"strings"

	"receptor/transport/wire"
)

// Tries is how many init messages a link may have had when it gives up.
const Tries = 11

// Reasons for a reject, as the logs of the existing nodes word them. The one for
// a node that has a link already is the router's.
const (
	ReasonOwnID      = "it tried to connect using our own node ID"
	ReasonNotAllowed = "it is not in the allowed peers list"
	ReasonCost       = "we disagree about the connection cost"
	ReasonUnlisted   = "remote node no longer lists us as a connection"
	ReasonChanged    = "remote node ID changed unexpectedly"
	ReasonNameless   = "it did not tell its node ID"
	ReasonUncertain  = "its certificate is for other nodes"
	ReasonNewCost    = "the cost of the link was changed here"
)

// Config is what both ends must agree on, and whom this end accepts.
type Config struct {
	NodeID       string
	Cost         float64
	NodeCost     map[string]float64 // overrides Cost for a neighbour
	AllowedPeers []string
	AnyPeer      bool // AllowedPeers does not matter
}

func (c Config) allows(node string) bool { return c.AnyPeer || slices.Contains(c.AllowedPeers, node) }

func (c Config) costOf(node string) float64 {
	if cost, ok := c.NodeCost[node]; ok {
		return cost
	}
	return c.Cost
}

// Do says what should be done.
type Do int

const (
	Nothing  Do = iota // the message is of no use now
	SendInit           // send an own routing update
	GiveUp             // nobody answered, end the link
	Ask                // ask the router whether Node may be a neighbour at Cost
	Hold               // handle the message again after the router's answer
	Accept             // Node is a neighbour now
	Pass               // the message is for the router
	Reject             // tell the neighbour, then end the link because of Reason
	End                // the neighbour rejected us, end the link
)

// Action is the answer to an event.
type Action struct {
	Do           Do
	Node         string // Ask, Accept, Reject: the neighbour
	Cost         float64
	Reason       string
	Capabilities []string // Ask: what the neighbour announced
}

type state int

const (
	waiting state = iota
	asking
	established
	over
)

// Machine is the state of one end of a link.
type Machine struct {
	cfg     Config
	state   state
	tries   int
	names   []string // node IDs in its certificate; nil for none
	node    string   // the neighbour, from its first update on
	cost    float64
	listsUs bool // the neighbour has listed us at least once
}

// New returns the machine of a link that was just opened. Call Tick at once and
// then every second.
func New(cfg Config) *Machine { return &Machine{cfg: cfg} }

// Node is the neighbour's name, empty until its first update.
func (m *Machine) Node() string { return m.node }

// Established reports whether the router accepted the neighbour, and nothing
// ended the link since.
func (m *Machine) Established() bool { return m.state == established }

// Over reports whether the link has come to its end.
func (m *Machine) Over() bool { return m.state == over }

// Certified tells what node IDs the neighbour's certificate names, before its first
// update. None means that the certificate says nothing of nodes.
func (m *Machine) Certified(names []string) { m.names = names }

// Tick is the beginning, or that another second went by.
func (m *Machine) Tick() Action {
	if m.state != waiting && m.state != asking {
		return Action{}
	}
	if m.tries++; m.tries >= Tries {
		m.state = over
		return Action{Do: GiveUp}
	}
	return Action{Do: SendInit}
}

// Update is a routing update from the neighbour.
func (m *Machine) Update(u wire.RoutingUpdate) Action {
	switch m.state {
	case waiting:
		return m.introduce(u)
	case asking:
		return Action{Do: Hold}
	case established:
		return m.check(u)
	default:
		return Action{}
	}
}

// introduce looks at the first update: only who sent it matters.
func (m *Machine) introduce(u wire.RoutingUpdate) Action {
	m.node = u.ForwardingNode
	switch {
	case m.node == "":
		return m.reject(ReasonNameless)
	case m.node == m.cfg.NodeID:
		return m.reject(ReasonOwnID)
	case len(m.names) > 0 && !slices.Contains(m.names, m.node):
		return m.reject(ReasonUncertain + ": " + strings.Join(m.names, ", "))
	case !m.cfg.allows(m.node):
		return m.reject(ReasonNotAllowed)
	}
	m.cost = m.cfg.costOf(m.node)
	m.state = asking
	return Action{Do: Ask, Node: m.node, Cost: m.cost, Capabilities: u.Capabilities}
}

// check looks at every later update. Until the neighbour has listed us once, its
// own updates without us are late init messages.
func (m *Machine) check(u wire.RoutingUpdate) Action {
	if u.ForwardingNode != m.node {
		return m.reject(ReasonChanged)
	}
	if u.NodeID != m.node {
		return Action{Do: Pass}
	}
	cost, listed := u.Connections[m.cfg.NodeID]
	switch {
	case !listed && m.listsUs:
		return m.reject(ReasonUnlisted)
	case !listed:
		return Action{}
	}
	m.listsUs = true
	if cost != m.cost {
		return m.reject(ReasonCost)
	}
	return Action{Do: Pass}
}

// Advertisement is a service advertisement from the neighbour.
func (m *Machine) Advertisement() Action {
	switch m.state {
	case asking:
		return Action{Do: Hold}
	case established:
		return Action{Do: Pass}
	default:
		return Action{}
	}
}

// Reconfigure puts other rules in the place of the old ones. A neighbour that does
// not comply with them is rejected; the cost of a link can't change while it lasts.
func (m *Machine) Reconfigure(cfg Config) Action {
	m.cfg = cfg
	switch {
	case m.node == "" || m.state == over:
		return Action{}
	case !cfg.allows(m.node):
		return m.reject(ReasonNotAllowed)
	case m.cost != cfg.costOf(m.node):
		return m.reject(ReasonNewCost)
	}
	return Action{}
}

// Rejected is a reject from the neighbour.
func (m *Machine) Rejected() Action {
	if m.state == over {
		return Action{}
	}
	m.state = over
	return Action{Do: End, Node: m.node}
}

// Accepted is the router's yes.
func (m *Machine) Accepted() Action {
	if m.state != asking {
		return Action{}
	}
	m.state = established
	return Action{Do: Accept, Node: m.node, Cost: m.cost}
}

// Refused is the router's no.
func (m *Machine) Refused(reason string) Action {
	if m.state != asking {
		return Action{}
	}
	return m.reject(reason)
}

// Dismissed is an operator's wish that an established link ends.
func (m *Machine) Dismissed(reason string) Action {
	if m.state != established {
		return Action{}
	}
	return m.reject(reason)
}

func (m *Machine) reject(reason string) Action {
	m.state = over
	return Action{Do: Reject, Node: m.node, Reason: reason}
}
