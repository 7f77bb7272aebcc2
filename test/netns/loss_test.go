//go:build linux

package netns

import (
	"fmt"
	"testing"
	"time"

	"receptor/test/blackbox/harness"
	"receptor/test/netns/lab"
)

const megabyte = 1 << 20

// chain links hosts one after the other; each dials the next. The first has a
// proxy to the sink of the last.
func (w *world) chain(hosts []*lab.Host, over backend) []*harness.Node {
	w.t.Helper()
	last := len(hosts) - 1
	nodes := make([]*harness.Node, len(hosts))
	for i, h := range hosts {
		args := [][]string{over.listener(h)}
		if i < last {
			args = append(args, over.peer(hosts[i+1]))
		}
		if i == 0 {
			args = append(args, proxy(hosts[last]))
		}
		if i == last {
			args = append(args, sink())
		}
		nodes[i] = w.on(h, args...)
	}
	w.up(nodes...)
	return nodes
}

// Three packets of ten lost are more than a stream can make use of; it ends well
// nevertheless.
func TestTransferThroughLoss(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		over    backend
		percent int
		size    int64
	}{
		{overTCP, 5, 16 * megabyte},
		{overUDP, 5, 8 * megabyte},
		{overTCP, 30, megabyte / 2},
		{overUDP, 30, megabyte / 8},
	} {
		t.Run(fmt.Sprintf("%s %d percent", c.over.name, c.percent), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 90*time.Second)
			net := w.bridge(2)
			w.chain(net.Hosts, c.over)
			w.must(net.Set(w.ctx, lab.Lose(c.percent, net.Hosts...)...))
			rate, err := w.pour(net.Hosts[0], net.Hosts[1], c.size).wait(w.ctx)
			w.must(err)
			t.Logf("%d KiB at %.2f Mbit/s", c.size>>10, rate)
		})
	}
}
