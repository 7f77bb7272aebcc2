package wire

import "encoding/json"

// Problems of an Unreachable that other implementations know.
const (
	ProblemServiceUnknown = "service unknown"
	ProblemExpired        = "message expired"
	ProblemFirewall       = "blocked by firewall"
)

// Unreachable tells the sender of a data message that it did not arrive. It is
// the payload of a data message itself; the names are those of the message lost.
type Unreachable struct {
	FromNode    string
	ToNode      string
	FromService string
	ToService   string
	Problem     string
}

// Encode returns the payload.
func (u Unreachable) Encode() ([]byte, error) { return json.Marshal(u) }

// DecodeUnreachable reads a payload.
func DecodeUnreachable(payload []byte) (Unreachable, error) {
	var u Unreachable
	if err := json.Unmarshal(payload, &u); err != nil {
		return Unreachable{}, err
	}
	return u, nil
}
