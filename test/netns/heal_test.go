//go:build linux

package netns

import (
	"testing"
	"time"

	"receptor/test/netns/lab"
)

const (
	// atOnce is how long a link that is reset may go unnoticed.
	atOnce = 3 * time.Second
	// notice is how long a silent link may: the limit of 21 s, and some time for a
	// machine with other work.
	notice = 24 * time.Second
	// healTime is the longest wait between two dials, and the dial.
	healTime = 25 * time.Second
)

func TestRoutesHealOverTCP(t *testing.T) {
	t.Parallel()
	r := newRing(t, overTCP)
	r.endure(cut{
		name: "link refused", ends: [2]int{1, 2}, within: atOnce, tries: 10, loud: true,
		rules: []lab.Rule{lab.Refuse(r.host(1), r.host(2)), lab.Refuse(r.host(2), r.host(1))},
	})
	r.endure(r.pair(3, 4))
	r.endure(r.direction(5, 1))
}

func TestRoutesHealOverUDP(t *testing.T) {
	t.Parallel()
	r := newRing(t, overUDP)
	r.endure(r.direction(3, 4))
	r.endure(r.direction(4, 3))
}

func TestRoutesHealOverWebSocket(t *testing.T) {
	t.Parallel()
	r := newRing(t, overWebSocket)
	r.endure(r.pair(5, 1))
}

// A host whose cable is pulled is gone for the others, and back with it.
func TestUnpluggedHostComesBack(t *testing.T) {
	t.Parallel()
	r := newRing(t, overTCP)
	start := time.Now()
	r.must(r.net.Plug(r.ctx, r.host(2), false))
	for _, number := range []int{1, 3, 4, 5} {
		r.must(r.node(number).Misses(r.ctx, "n2"))
	}
	gone := time.Since(start)
	if gone > notice {
		t.Errorf("noticed after %v", gone)
	}
	r.pings(1, 3)
	start = time.Now()
	r.must(r.net.Plug(r.ctx, r.host(2), true))
	r.whole()
	t.Logf("gone after %v, back in %v", gone.Round(time.Millisecond), time.Since(start).Round(time.Millisecond))
}

// pair is silence between two hosts.
func (r *ring) pair(a, b int) cut {
	return cut{
		name: "pair silent", ends: [2]int{a, b}, within: notice, tries: 4,
		rules: []lab.Rule{lab.Silence(r.host(a), r.host(b)), lab.Silence(r.host(b), r.host(a))},
	}
}

// direction is silence from one host to another, which can still answer.
func (r *ring) direction(from, to int) cut {
	return cut{
		name: "direction silent", ends: dialler(from, to), within: notice, tries: 4,
		rules: []lab.Rule{lab.Silence(r.host(from), r.host(to))},
	}
}

// dialler puts the node that dials first.
func dialler(a, b int) [2]int {
	if b == a%ringSize+1 {
		return [2]int{a, b}
	}
	return [2]int{b, a}
}
