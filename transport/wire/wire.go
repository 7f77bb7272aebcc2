// Package wire knows what the bytes of a mesh message mean. The format is shared
// with other implementations and kept byte for byte.
//
//	┌──────┬──────────────────────────────┐
//	│ type │ body                         │
//	├──────┼──────────────────────────────┤
//	│ 0    │ data: header, payload        │
//	│ 1    │ routing update: JSON object  │
//	│ 2    │ advertisement: JSON object   │
//	│ 3    │ reject: [], never looked at  │
//	└──────┴──────────────────────────────┘
//
// Decoding accepts whatever the existing nodes accept: field names in any case,
// missing and unknown fields, null for a list or a map.
package wire

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Types of messages: the first byte.
const (
	TypeData          byte = 0
	TypeRoutingUpdate byte = 1
	TypeServiceAd     byte = 2
	TypeReject        byte = 3
)

// Errors of the decoders.
var (
	ErrShort = errors.New("data too short")
	ErrType  = errors.New("message of another type")
)

// encode returns a message: its type, then v as JSON.
func encode(kind byte, v any) ([]byte, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return append([]byte{kind}, body...), nil
}

// decode reads the JSON body of a message of the given type into v.
func decode(kind byte, msg []byte, v any) error {
	switch {
	case len(msg) == 0:
		return ErrShort
	case msg[0] != kind:
		return fmt.Errorf("type %d: %w", msg[0], ErrType)
	}
	return json.Unmarshal(msg[1:], v)
}
