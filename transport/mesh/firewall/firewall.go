package firewall

import (
	"hash/maphash"
	"math/bits"
	"sync/atomic"

	"receptor/transport/wire"
)

// Firewall is a list of compiled rules. Any goroutine may ask it; nil lets
// everything pass and costs nothing.
type Firewall struct {
	rules []rule
	cache *cache // nil if asking the rules is as fast
}

// fewRules is how many rules that compare exactly are asked as fast as the cache.
const fewRules = 8

// Compile makes a Firewall; nil if there are no rules. Errors begin with
// "error in rule <index>: ".
func Compile(rules []Rule) (*Firewall, error) {
	if len(rules) == 0 {
		return nil, nil
	}
	f := &Firewall{rules: make([]rule, len(rules))}
	patterns := false
	for i, r := range rules {
		c, err := compileRule(r)
		if err != nil {
			return nil, inRule(i, err)
		}
		f.rules[i] = c
		patterns = patterns || c.fromNode.pattern != nil || c.toNode.pattern != nil ||
			c.fromService.pattern != nil || c.toService.pattern != nil
	}
	if patterns || len(rules) > fewRules {
		f.cache = &cache{seed: maphash.MakeSeed()}
	}
	return f, nil
}

// message is what rules look at.
type message struct {
	fromNode, toNode       string
	fromService, toService wire.Service
}

// Decide says what becomes of a message.
func (f *Firewall) Decide(fromNode, toNode string, fromService, toService wire.Service) Action {
	if f == nil {
		return Accept
	}
	m := message{fromNode, toNode, fromService, toService}
	if f.cache == nil {
		return f.decide(&m)
	}
	key := f.cache.key(&m)
	if action, ok := f.cache.get(key); ok {
		return action
	}
	action := f.decide(&m)
	f.cache.put(key, action)
	return action
}

func (f *Firewall) decide(m *message) Action {
	for i := range f.rules {
		if f.rules[i].matches(m) {
			return f.rules[i].action
		}
	}
	return Accept
}

// cache remembers decisions: a fixed table, in which a new decision takes the
// place of an old one. An entry is the upper 62 bits of the key and, in the lower
// two, the action plus one; so it is read and written whole, without a lock. The
// key's seed is secret: nobody can choose names that meet in one entry.
type cache struct {
	seed    maphash.Seed
	entries [1 << cacheBits]atomic.Uint64
}

const (
	cacheBits  = 12 // 32 KiB; one entry for each flow of late
	actionMask = 3
)

func (c *cache) key(m *message) uint64 {
	var services [16]byte
	copy(services[:8], m.fromService[:])
	copy(services[8:], m.toService[:])
	// Odd factors and a rotation, so that from and to are not interchangeable.
	h := maphash.String(c.seed, m.fromNode)
	h = bits.RotateLeft64(h*0x9e3779b97f4a7c15, 23) + maphash.String(c.seed, m.toNode)
	h = bits.RotateLeft64(h*0x9e3779b97f4a7c15, 23) + maphash.Bytes(c.seed, services[:])
	h ^= h >> 32
	return h * 0x9e3779b97f4a7c15
}

func (c *cache) entry(key uint64) *atomic.Uint64 { return &c.entries[key>>(64-cacheBits)] }

func (c *cache) get(key uint64) (Action, bool) {
	e := c.entry(key).Load()
	if e == 0 || e&^actionMask != key&^actionMask || e&actionMask == 0 {
		return Accept, false
	}
	return Action(e&actionMask) - 1, true
}

func (c *cache) put(key uint64, a Action) {
	c.entry(key).Store(key&^actionMask | uint64(a+1))
}
