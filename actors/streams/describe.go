package streams

import (
	"receptor/actors/supervise"
	"receptor/actors/supervise/describe"
	inspectv1 "receptor/proto/inspect/v1"
)

// This file is what the family and its sessions say of themselves to people.

var (
	_ supervise.Describer = (*streams)(nil)
	_ supervise.Describer = (*session)(nil)
)

// Describe implements supervise.Describer.
func (s *streams) Describe() *inspectv1.Description {
	f := &inspectv1.Sessions{}
	for _, p := range s.cfg.Network.table.all() {
		if p.accept != nil {
			f.Accepted++
		} else {
			f.Dialled++
		}
		f.Streams += uint32(p.openStreams())
	}
	d := describe.Of(
		describe.Number("dialled", f.GetDialled()), describe.Number("accepted", f.GetAccepted()),
		describe.Number("streams", f.GetStreams()), describe.Number("dials under way", len(s.dials)),
	)
	d.Figures = &inspectv1.Description_Sessions{Sessions: f}
	return d
}

// Describe implements supervise.Describer.
func (s *session) Describe() *inspectv1.Description {
	p := s.pump
	node, service := p.key.node, p.key.service
	if p.accept != nil {
		service = p.local
	}
	p.mu.Lock()
	l := p.life
	p.mu.Unlock()
	facts := []*inspectv1.Attribute{
		describe.Text("node", node), describe.Text("service", service), describe.Text("tls", p.key.tls),
		describe.Flag("connected", s.up), describe.Flag("shared", l.shared), describe.Number("streams", l.active),
	}
	if s.up {
		stats := p.conn.ConnectionStats()
		facts = append(facts, describe.Duration("round trip", stats.SmoothedRTT),
			describe.Duration("shortest round trip", stats.MinRTT),
			describe.Number("window bytes", int64(stats.CongestionWindow))) // at most 10 000 packets
	}
	far := describe.Service(node, service)
	if p.accept != nil {
		far = describe.Service(p.net.plane.NodeID(), service)
	}
	return describe.Refer(describe.Of(facts...), describe.Node(node), far)
}

// openStreams is how many streams are not finished.
func (p *pump) openStreams() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.life.active
}
