package wire

import (
	"encoding/json"
	"fmt"
)

// RoutingUpdate is what a node says of itself, flooded to all. The order of the
// fields is that of the wire.
type RoutingUpdate struct {
	NodeID             string             // originator
	UpdateID           string             // fresh for each update, kept when it is flooded on
	UpdateEpoch        uint64             // start instant of the originator, exceeds 2^53
	UpdateSequence     uint64             // counts the updates of an epoch from 1
	Connections        map[string]float64 // cost by neighbour; nil is null on the wire
	ForwardingNode     string             // who put the message on this link
	SuspectedDuplicate uint64             // epoch of another node that uses our ID, or 0
	Capabilities       Capabilities       `json:",omitempty"`
}

// Capabilities tell a direct neighbour what else this node understands. Other
// implementations ignore them and do not flood them on.
type Capabilities []string

// UnmarshalJSON never fails: a field of this name that means something else must
// not cost us an update that others accept.
func (c *Capabilities) UnmarshalJSON(data []byte) error {
	var names []string
	if json.Unmarshal(data, &names) == nil {
		*c = names
	}
	return nil
}

// Encode returns the whole message. The only error is a cost that JSON can't
// express.
func (u RoutingUpdate) Encode() ([]byte, error) {
	msg, err := encode(TypeRoutingUpdate, u)
	if err != nil {
		return nil, fmt.Errorf("encode routing update: %w", err)
	}
	return msg, nil
}

// DecodeRoutingUpdate reads a whole message.
func DecodeRoutingUpdate(msg []byte) (RoutingUpdate, error) {
	var u RoutingUpdate
	if err := decode(TypeRoutingUpdate, msg, &u); err != nil {
		return RoutingUpdate{}, fmt.Errorf("decode routing update: %w", err)
	}
	return u, nil
}
