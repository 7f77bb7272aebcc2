package route

import (
	"hash/maphash"
	"time"
)

const (
	// seenFor is the least time an update's ID is remembered, unless there are too
	// many. A flood is over long before; later copies fail by their sequence.
	seenFor = 10 * time.Minute
	// maxSeen bounds the IDs of one generation: 65536 of 8 bytes.
	maxSeen = 1 << 16
)

// seen remembers IDs for seenFor to twice as long after they were last seen, in two
// generations. It keeps their hashes, because an ID from outside may be long.
type seen struct {
	seed    maphash.Seed
	recent  map[uint64]struct{}
	older   map[uint64]struct{}
	rotated time.Time
}

func newSeen() *seen {
	return &seen{seed: maphash.MakeSeed(), recent: map[uint64]struct{}{}}
}

// add remembers an ID and reports whether it was new.
func (s *seen) add(id string, now time.Time) bool {
	switch age := now.Sub(s.rotated); {
	case age >= 2*seenFor:
		s.older, s.recent, s.rotated = nil, map[uint64]struct{}{}, now
	case age >= seenFor || len(s.recent) >= maxSeen:
		s.older, s.recent, s.rotated = s.recent, map[uint64]struct{}{}, now
	}
	key := maphash.String(s.seed, id)
	if _, ok := s.recent[key]; ok {
		return false
	}
	s.recent[key] = struct{}{}
	_, old := s.older[key]
	return !old
}
