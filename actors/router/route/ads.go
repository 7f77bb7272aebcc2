package route

import (
	"cmp"
	"slices"
	"time"

	routerv1 "receptor/proto/router/v1"
)

const (
	// AdTTL is how long an advertisement lives that is not repeated: five rounds of
	// its originator, which sends one a minute.
	AdTTL = 5 * time.Minute
	// TombstoneTTL is how long a withdrawal is remembered after its last copy. In a
	// ring of nodes that remember none, copies keep coming.
	TombstoneTTL = time.Hour
	// maxAds bounds what neighbours can make us remember.
	maxAds = 1 << 15
)

// Ads are the service advertisements of all other nodes.
type Ads struct {
	self    string
	entries map[adKey]*entry
}

type adKey struct{ node, service string }

// entry is an advertisement or, if it is a withdrawal, its tombstone.
type entry struct {
	ad    *routerv1.Advertisement
	heard time.Time // when it, or another copy of the same withdrawal, came in
}

// NewAds returns an empty store of the node self.
func NewAds(self string) *Ads { return &Ads{self: self, entries: map[adKey]*entry{}} }

// Receive takes an advertisement and reports whether to pass it on, unchanged, to
// all neighbours but the one it came from. Only a strictly later one is news; what
// others say of our own services never is. A withdrawal leaves a tombstone, also
// if it overtook what it withdraws, so it is passed on once and never again.
func (a *Ads) Receive(ad *routerv1.Advertisement, now time.Time) (flood bool) {
	if ad.GetNode() == "" || ad.GetService() == "" || ad.GetNode() == a.self {
		return false
	}
	key := adKey{ad.GetNode(), ad.GetService()}
	old, ok := a.entries[key]
	if ok && !ad.GetTime().AsTime().After(old.ad.GetTime().AsTime()) {
		if old.ad.GetCancel() {
			old.heard = now
		}
		return false
	}
	if !ok && len(a.entries) >= maxAds {
		return false
	}
	a.entries[key] = &entry{ad: ad, heard: now}
	return true
}

// List is all advertisements, in order of node and service, without withdrawals.
func (a *Ads) List() []*routerv1.Advertisement {
	list := make([]*routerv1.Advertisement, 0, len(a.entries))
	for _, e := range a.entries {
		if !e.ad.GetCancel() {
			list = append(list, e.ad)
		}
	}
	slices.SortFunc(list, func(x, y *routerv1.Advertisement) int {
		return cmp.Or(cmp.Compare(x.GetNode(), y.GetNode()), cmp.Compare(x.GetService(), y.GetService()))
	})
	return list
}

// Age forgets what nobody repeated for long.
func (a *Ads) Age(now time.Time) {
	for key, e := range a.entries {
		ttl := AdTTL
		if e.ad.GetCancel() {
			ttl = TombstoneTTL
		}
		if now.Sub(e.heard) >= ttl {
			delete(a.entries, key)
		}
	}
}
