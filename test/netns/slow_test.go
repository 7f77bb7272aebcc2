//go:build linux

package netns

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"
	"time"

	"receptor/test/blackbox/harness"
	"receptor/test/netns/lab"
)

// Fast senders fill the queue of the relay before a slow link, and no more: the
// relay's memory stays flat, and others get through.
func TestSlowLinkBoundsTheRelay(t *testing.T) {
	const (
		mbit  = 10
		size  = 3 * megabyte
		room  = 24 * megabyte // the queue of 4 MiB, buffers, and what the collector leaves lying
		flood = 32 * megabyte // more than all that
		share = 0.1           // of the stream, beside the flood
		late  = time.Second
	)
	w := newWorld(t, time.Minute)
	hosts := w.bridge(3).Hosts
	nodes := w.chain(hosts, overTCP)
	w.must(hosts[1].Rate(w.ctx, mbit))
	before := w.memory(nodes, "VmRSS")

	p := w.pour(hosts[0], hosts[2], size)
	flooded := w.flood(hosts[0], p)
	w.must(p.reached(w.ctx, size/10))
	pings := w.pingsDuring(p, nodes[0], nodes[2])
	rate, err := p.wait(w.ctx)
	w.must(err)
	if rate < share*mbit {
		t.Errorf("%.2f of %d Mbit/s", rate, mbit)
	}
	bytes := <-flooded
	if bytes < flood {
		t.Errorf("only %d KiB were sent beside the stream", bytes>>10)
	}
	after := w.memory(nodes, "VmHWM")
	for i, n := range nodes {
		if after[i]-before[i] > room {
			t.Errorf("%s had %d KiB, and then up to %d KiB", n.ID, before[i]>>10, after[i]>>10)
		}
	}
	slices.Sort(pings)
	median, longest := pings[len(pings)/2], pings[len(pings)-1]
	if median > late {
		t.Errorf("half of %d pings took longer than %v", len(pings), median)
	}
	t.Logf("%.2f of %d Mbit/s beside a flood of %d KiB; the relay had %d KiB, at most %d KiB; %d pings, median %v, longest %v",
		rate, mbit, bytes>>10, before[1]>>10, after[1]>>10, len(pings), median.Round(time.Millisecond), longest.Round(time.Millisecond))
}

// memory reads a line of what the kernel knows of daemons, in bytes.
func (w *world) memory(nodes []*harness.Node, line string) []int64 {
	w.t.Helper()
	sizes := make([]int64, len(nodes))
	for i, n := range nodes {
		var err error
		sizes[i], err = memory(n, line)
		w.must(err)
	}
	return sizes
}

// floodBurst is how many datagrams are sent in a millisecond: some 300 Mbit/s.
const floodBurst = 32

// flood sends datagrams to the proxy of a host until all is poured, and says how
// many bytes.
func (w *world) flood(from *lab.Host, p *pour) <-chan int64 {
	w.t.Helper()
	var conn net.Conn
	w.must(from.Do(func() (err error) {
		conn, err = net.Dial("udp", local(proxyPort))
		return err
	}))
	sent := make(chan int64, 1)
	go func() {
		defer conn.Close()
		var all int64
		datagram := make([]byte, 1200)
		for pause := time.NewTicker(time.Millisecond); ; {
			select {
			case <-p.done:
				sent <- all
				return
			case <-pause.C:
			}
			for range floodBurst {
				n, err := conn.Write(datagram)
				if err != nil {
					w.t.Errorf("flood: %v", err)
				}
				all += int64(n)
			}
		}
	}()
	return sent
}

// pingsDuring pings one after the other until all is poured.
func (w *world) pingsDuring(p *pour, from, to *harness.Node) (took []time.Duration) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	for {
		one, err := ping(ctx, from, to.ID)
		w.must(err)
		took = append(took, one)
		select {
		case <-p.done:
			return took
		case <-ctx.Done():
			w.must(errors.New("the pour does not end"))
		default:
		}
	}
}

func TestShortPackets(t *testing.T) {
	const mtu, size = 1300, 16 * megabyte
	for _, over := range []backend{overTCP, overUDP} {
		t.Run(over.name, func(t *testing.T) {
			w := newWorld(t, time.Minute)
			hosts := w.bridge(3).Hosts
			for _, h := range hosts {
				w.must(h.MTU(w.ctx, mtu))
			}
			w.chain(hosts, over)
			rate, err := w.pour(hosts[0], hosts[2], size).wait(w.ctx)
			w.must(err)
			t.Logf("%d MiB at %.0f Mbit/s", size/megabyte, rate)
		})
	}
}
