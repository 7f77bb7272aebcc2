package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/minio/highwayhash"
)

const (
	// HeaderLen is the length of a data message's header, type byte included.
	HeaderLen = 36
	// DefaultHops is how far a message goes unless its sender says otherwise.
	DefaultHops = 30

	serviceLen = 8
)

// Header is the head of a data message. All numbers are big-endian.
//
//	 0   1      2          4           12        20             28           36
//	┌───┬──────┬──────────┬───────────┬─────────┬──────────────┬────────────┬─────────┐
//	│ 0 │ hops │ reserved │ from node │ to node │ from service │ to service │ payload │
//	└───┴──────┴──────────┴───────────┴─────────┴──────────────┴────────────┴─────────┘
type Header struct {
	HopsToLive  byte
	From, To    uint64 // NodeHash of the node IDs
	FromService Service
	ToService   Service
}

// DecodeHeader reads the header of a data message.
func DecodeHeader(msg []byte) (Header, error) {
	if len(msg) < HeaderLen {
		return Header{}, ErrShort
	}
	if msg[0] != TypeData {
		return Header{}, ErrType
	}
	return Header{
		HopsToLive:  msg[1],
		From:        binary.BigEndian.Uint64(msg[4:]),
		To:          binary.BigEndian.Uint64(msg[12:]),
		FromService: Service(msg[20:28]),
		ToService:   Service(msg[28:36]),
	}, nil
}

// Put writes the header to the first HeaderLen bytes of dst.
func (h Header) Put(dst []byte) {
	_ = dst[HeaderLen-1]
	dst[0], dst[1], dst[2], dst[3] = TypeData, h.HopsToLive, 0, 0
	binary.BigEndian.PutUint64(dst[4:], h.From)
	binary.BigEndian.PutUint64(dst[12:], h.To)
	copy(dst[20:28], h.FromService[:])
	copy(dst[28:36], h.ToService[:])
}

// Service is a service name as the header carries it, padded with NUL bytes.
type Service [serviceLen]byte

// ParseService makes a Service of a name of at most 8 bytes.
func ParseService(name string) (Service, error) {
	var s Service
	if len(name) > serviceLen {
		return s, fmt.Errorf("service name %s too long (at most %d bytes)", name, serviceLen)
	}
	copy(s[:], name)
	return s, nil
}

// String returns the name without its padding.
func (s Service) String() string { return string(bytes.TrimRight(s[:], "\x00")) }

// hashKey is the key all nodes of all implementations use.
var hashKey [highwayhash.Size]byte

// NodeHash stands for a node ID in headers.
func NodeHash(id string) uint64 {
	return highwayhash.Sum64([]byte(id), hashKey[:])
}
