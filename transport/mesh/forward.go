package mesh

import (
	"encoding/binary"

	"receptor/transport/frame"
	"receptor/transport/mesh/firewall"
	"receptor/transport/wire"
)

// Positions in the data header that forwarding touches; transport/wire describes
// the whole of it.
const (
	offHops  = 1
	offZero  = 2
	offTo    = 12
	offFlow  = 4
	offToSvc = 28
)

func destination(msg []byte) uint64 { return binary.BigEndian.Uint64(msg[offTo:]) }

func toService(msg []byte) wire.Service { return wire.Service(msg[offToSvc:wire.HeaderLen]) }

// route is the way of every frame that does not come from a local socket.
func (p *Plane) route(f *frame.Buf) {
	switch {
	case !p.admit(f.Bytes()):
		f.Free()
	case destination(f.Bytes()) == p.hash:
		p.deliver(f)
	default:
		p.forward(f)
	}
}

// admit asks the firewall, and tells the sender of what it rejects. Rules speak of
// names, so nothing passes from or to a node that has none.
func (p *Plane) admit(msg []byte) bool {
	rules := p.rules.Load()
	if rules == nil {
		return true
	}
	h, err := wire.DecodeHeader(msg)
	if err != nil {
		return false
	}
	names := p.table.Load().names
	from, known := names[h.From]
	to, knownTo := names[h.To]
	if !known || !knownTo {
		p.counters.UnknownNode.Add(1)
		return false
	}
	switch rules.Decide(from, to, h.FromService, h.ToService) {
	case firewall.Accept:
		return true
	case firewall.Reject:
		p.bounce(msg, wire.ProblemFirewall)
	case firewall.Drop:
	}
	p.counters.Blocked.Add(1)
	return false
}

// forward passes on a frame that is for another node.
func (p *Plane) forward(f *frame.Buf) {
	msg := f.Bytes()
	if msg[offHops] == 0 {
		p.counters.Expired.Add(1)
		p.bounce(msg, wire.ProblemExpired)
		f.Free()
		return
	}
	next, ok := p.table.Load().next[destination(msg)]
	if !ok {
		p.counters.NoRoute.Add(1)
		p.bounce(msg, ProblemNoRoute)
		f.Free()
		return
	}
	msg[offHops]--
	msg[offZero], msg[offZero+1] = 0, 0
	p.counters.Forwarded.Add(1)
	p.traceForwarded(msg, next)
	next.putData(f, nil)
}

// deliver hands a frame that is for this node to whom it is for.
func (p *Plane) deliver(f *frame.Buf) {
	msg := f.Bytes()
	switch service := toService(msg); service {
	case servicePing:
		p.answerPing(msg)
	case serviceUnreach:
		p.noticed(msg)
	default:
		if s, ok := p.sockets.Load(service); ok {
			p.counters.Delivered.Add(1)
			s.(*Socket).push(f)
			return
		}
		p.counters.NoService.Add(1)
		p.bounce(msg, wire.ProblemServiceUnknown)
	}
	f.Free()
}

// answerPing replies to the sender of msg from service ping, with nothing in it.
func (p *Plane) answerPing(msg []byte) {
	h, err := wire.DecodeHeader(msg)
	if err != nil {
		return
	}
	p.originate(wire.Header{
		HopsToLive: wire.DefaultHops,
		From:       p.hash, FromService: servicePing,
		To: h.From, ToService: h.FromService,
	}, nil)
}

// bounce tells the sender of msg why it did not arrive. Notices about notices
// are never sent.
func (p *Plane) bounce(msg []byte, problem string) {
	h, err := wire.DecodeHeader(msg)
	if err != nil || h.FromService == serviceUnreach {
		return
	}
	names := p.table.Load().names
	from, ok := names[h.From]
	if !ok {
		return
	}
	p.notify(h.From, wire.Unreachable{
		FromNode: from, ToNode: names[h.To],
		FromService: h.FromService.String(), ToService: h.ToService.String(),
		Problem: problem,
	})
}

// notify sends a notice to the node of the socket that it is about.
func (p *Plane) notify(to uint64, u wire.Unreachable) {
	notice, err := u.Encode()
	if err != nil {
		return // names that JSON can't carry; a notice is a courtesy
	}
	p.originate(wire.Header{
		HopsToLive: wire.DefaultHops,
		From:       p.hash, FromService: serviceUnreach,
		To: to, ToService: serviceUnreach,
	}, notice)
}

// originate sends a message of the node itself. It never waits and reports
// nothing: the caller is a link's reader.
func (p *Plane) originate(h wire.Header, payload []byte) {
	f := frame.New(wire.HeaderLen + len(payload))
	h.Put(f.Bytes())
	copy(f.Bytes()[wire.HeaderLen:], payload)
	p.traceSent(f.Bytes())
	p.route(f)
}

// noticed hands an unreachable notice to the local socket it is about.
func (p *Plane) noticed(msg []byte) {
	u, err := wire.DecodeUnreachable(msg[wire.HeaderLen:])
	if err != nil || u.FromNode != p.self {
		return
	}
	service, err := wire.ParseService(u.FromService)
	if err != nil {
		return
	}
	h, err := wire.DecodeHeader(msg)
	if err != nil {
		return
	}
	if s, ok := p.sockets.Load(service); ok {
		s.(*Socket).unreachable(u, p.table.Load().names[h.From])
	}
}
