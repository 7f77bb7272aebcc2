package services

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"receptor/test/probe"
	"receptor/transport/mem"
	"receptor/transport/mesh"
)

// packets keeps what a tracer was told of an IP network.
type packets struct {
	mesh.Tracer // of anything else nothing is kept

	mu    sync.Mutex
	lines []string
}

func (p *packets) note(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines = append(p.lines, fmt.Sprintf(format, args...))
}

func (p *packets) has(line string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Contains(p.lines, line)
}

func (p *packets) Sent(mesh.Traced)              {}
func (p *packets) Received(mesh.Traced, string)  {}
func (p *packets) Forwarded(mesh.Traced, string) {}

func (p *packets) Routed(length int, to, via string) { p.note("%d to %s via %s", length, to, via) }

func (p *packets) Unwrapped(length int, from, iface string) {
	p.note("%d from %s to %s", length, from, iface)
}

func TestPacketsAreTraced(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		wires, heard := mem.NewNetwork(), &packets{}
		a := newTracedSite(t, s, wires, heard, "a")
		b := newSite(t, s, wires, "b", "a")
		a.route(t, s, IPRouterText{Interface: "mesh0", LocalNet: "10.77.0.0/30"})
		b.route(t, s, IPRouterText{Interface: "mesh0", LocalNet: "10.77.0.4/30"})
		a.awaitRoutes(t, "10.77.0.4/30")
		b.awaitRoutes(t, "10.77.0.0/30")
		a.ping(t, "10.77.0.5")
		const length = 20 + 8 + 1200 // IP, ICMP, what ping says
		for _, want := range []string{
			fmt.Sprintf("%d to 10.77.0.5 via b:net", length), fmt.Sprintf("%d from b:net to mesh0", length),
		} {
			if !heard.has(want) {
				t.Errorf("no %q in %q", want, heard.lines)
			}
		}
	})
}
