//go:build linux

package netns

import (
	"fmt"
	"testing"
	"time"

	"receptor/test/netns/lab"
	"receptor/test/netns/tapswitch"
)

// A stream fills a long way as well as a short one: 100 ms there and back, twice
// that to the end of the chain.
func TestStreamFillsALongWay(t *testing.T) {
	if missing != "" {
		t.Skip(missing)
	}
	const (
		oneWay = 50 * time.Millisecond
		mbit   = 50
		tries  = 3 // other work may be in the way
	)
	for _, c := range []struct {
		name  string
		over  backend
		hosts int
		path  tapswitch.Path
		size  int64
		share float64
	}{
		{"TCP", overTCP, 2, tapswitch.Path{Delay: oneWay}, 8 * megabyte, 0.4},
		{"TCP with a relay", overTCP, 3, tapswitch.Path{Delay: oneWay}, 8 * megabyte, 0.2},
		{"UDP with jitter", overUDP, 2, tapswitch.Path{Delay: oneWay, Jitter: 5 * time.Millisecond}, 16 * megabyte, 0.4},
	} {
		t.Run(c.name, func(t *testing.T) {
			rate := 0.0
			for try := 1; try <= tries && rate < c.share*mbit; try++ {
				// In a world of its own: what slows the links down they remember.
				t.Run(fmt.Sprint(try), func(t *testing.T) {
					w := newWorld(t, time.Minute)
					net := w.wire(c.hosts)
					for _, h := range net.Hosts {
						w.must(h.Rate(w.ctx, mbit))
					}
					net.Switch.Set(c.path) // before there are links: TCP remembers for a while how short a way was
					w.farAway(net.Hosts[0], net.Hosts[1], 2*oneWay)
					nodes := w.chain(net.Hosts, c.over)
					rtt, err := ping(w.ctx, nodes[0], nodes[1].ID)
					w.must(err)
					rate, err = w.pour(net.Hosts[0], net.Hosts[c.hosts-1], c.size).wait(w.ctx)
					w.must(err)
					t.Logf("mesh ping %v; %d MiB at %.1f of %d Mbit/s", rtt.Round(time.Millisecond), c.size/megabyte, rate, mbit)
				})
			}
			if rate < c.share*mbit {
				t.Errorf("%.1f of %d Mbit/s", rate, mbit)
			}
		})
	}
}

// Many streams fill it together: each opens a window of its own. With one window for
// all they came to a third of it.
func TestStreamsFillALongWayTogether(t *testing.T) {
	const (
		oneWay  = 50 * time.Millisecond
		mbit    = 50
		streams = 8
		size    = 4 * megabyte
		share   = 0.5
		tries   = 3 // other work may be in the way
	)
	w := newWorld(t, time.Minute)
	net := w.wire(2)
	from, to := net.Hosts[0], net.Hosts[1]
	for _, h := range net.Hosts {
		w.must(h.Rate(w.ctx, mbit))
	}
	net.Switch.Set(tapswitch.Path{Delay: oneWay})
	w.farAway(from, to, 2*oneWay)
	w.chain(net.Hosts, overTCP)
	best := 0.0
	for try := 0; try < tries && best < share*mbit; try++ {
		rate := 0.0
		for _, p := range w.pours(from, to, size, streams) {
			each, err := p.wait(w.ctx)
			w.must(err)
			rate += each
		}
		best = max(best, rate)
	}
	if best < share*mbit {
		t.Errorf("%.1f of %d Mbit/s", best, mbit)
	}
	t.Logf("%d times %d MiB at %.1f of %d Mbit/s", streams, size/megabyte, best, mbit)
}

// farAway wants echoes of the other host after that long, and one of a few not
// much later.
func (w *world) farAway(from, to *lab.Host, rtt time.Duration) {
	w.t.Helper()
	best := time.Hour
	for range 4 { // the hosts have to learn each other's hardware addresses, too
		took, err := from.Ping(w.ctx, to)
		w.must(err)
		best = min(best, took)
	}
	if best < rtt || best > rtt+rtt/4 {
		w.t.Errorf("the echo of a host %v away took %v", rtt, best)
	}
	w.t.Logf("echo after %v", best.Round(100*time.Microsecond))
}
