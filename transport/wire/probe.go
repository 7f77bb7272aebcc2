package wire

import "encoding/binary"

// TypeProbe is a message that only nodes of this make know: it goes to neighbours
// that announced the capability Probes, and measures the link.
//
//	┌──────┬───────────────────────┬────────────────┐
//	│ 80   │ 0 question, 1 answer  │ number, 64 bit │
//	└──────┴───────────────────────┴────────────────┘
const TypeProbe byte = 80

// Probes is the capability of a node that answers probes.
const Probes = "probes"

const probeLen = 10

// Probe is a question or an answer; the answer has the number of its question.
type Probe struct {
	Answer bool
	Number uint64
}

// Encode returns the whole message.
func (p Probe) Encode() []byte {
	msg := make([]byte, probeLen)
	msg[0] = TypeProbe
	if p.Answer {
		msg[1] = 1
	}
	binary.BigEndian.PutUint64(msg[2:], p.Number)
	return msg
}

// DecodeProbe reads one. What follows the number is for later versions.
func DecodeProbe(msg []byte) (Probe, error) {
	switch {
	case len(msg) < probeLen:
		return Probe{}, ErrShort
	case msg[0] != TypeProbe || msg[1] > 1:
		return Probe{}, ErrType
	}
	return Probe{Answer: msg[1] == 1, Number: binary.BigEndian.Uint64(msg[2:])}, nil
}
