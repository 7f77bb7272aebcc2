package services

import (
	"errors"
	"fmt"
	"net"

	"receptor/actors/services/iproute"
	"receptor/transport/mesh"
)

// lanes are the ways of a tunnel to other nodes. They belong to the goroutine that
// reads the device.
type lanes struct {
	tunnel *tunnel
	byNode map[string]*lane
	swept  *iproute.Table // no lane leads to a node without a network in it
}

// to returns the lane to a node.
func (s *lanes) to(node string) *lane {
	l := s.byNode[node]
	if l == nil {
		l = &lane{
			tunnel: s.tunnel, dest: mesh.Addr{Node: node, Service: s.tunnel.network},
			outbox: newOutbox(), quit: make(chan struct{}),
		}
		s.byNode[node] = l
		s.tunnel.work.Go(l.run)
	}
	return l
}

// sweep ends the lanes to nodes that no network is behind any more.
func (s *lanes) sweep(table *iproute.Table) {
	if table == s.swept {
		return
	}
	s.swept = table
	for node, l := range s.byNode {
		if !table.Has(node) {
			close(l.quit)
			delete(s.byNode, node)
		}
	}
}

func (s *lanes) stop() {
	for _, l := range s.byNode {
		close(l.quit)
	}
}

// lane writes packets for one node, so that a link that is slow delays nobody else.
type lane struct {
	tunnel *tunnel
	dest   net.Addr
	outbox *outbox
	quit   chan struct{}
	failed complaint
}

func (l *lane) run() {
	for {
		select {
		case f := <-l.outbox.frames:
			l.outbox.took(f)
			l.write(f.Bytes())
			f.Free()
		case <-l.quit:
			l.outbox.drain()
			return
		}
	}
}

// write sends one packet. One that can't be sent is lost, as on any network.
func (l *lane) write(packet []byte) {
	_, err := l.tunnel.socket.WriteTo(packet, l.dest)
	switch {
	case err == nil:
		l.failed.over()
	case errors.Is(err, net.ErrClosed):
	case errors.Is(err, mesh.ErrTooLarge):
		if l.tunnel.large.first() {
			l.tunnel.out.trouble(fmt.Errorf("drop packets that are too large: %w", err))
		}
	case l.failed.first():
		l.tunnel.out.trouble(fmt.Errorf("packets to %s: %w", l.dest, err))
	}
}
