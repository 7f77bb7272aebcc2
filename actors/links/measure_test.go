package links

import (
	"testing"
	"time"

	inspectv1 "receptor/proto/inspect/v1"
	"receptor/test/probe"
	"receptor/transport/wire"
)

// ask asks a link what it stands for.
func ask(t *testing.T, s *probe.Stage, side *side) *inspectv1.Link {
	t.Helper()
	reply := s.Ask(t, linkOf(t, s, side), &inspectv1.Describe{})
	d, ok := reply.(*inspectv1.Description)
	if !ok || d.GetLink() == nil {
		t.Fatalf("%v", reply)
	}
	return d.GetLink()
}

// probing introduces a neighbour that announced what it can do.
func probing(node string, capabilities ...string) []byte {
	msg, err := wire.RoutingUpdate{
		NodeID: node, ForwardingNode: node, UpdateEpoch: 1, UpdateSequence: 1, UpdateID: "1", Capabilities: capabilities,
	}.Encode()
	if err != nil {
		panic(err)
	}
	return msg
}

func TestNodesOfThisMakeAnswerProbes(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		a, _, conn := besideRaw(t, s, probing("b", wire.Probes))
		for range 10 {
			m, err := wire.DecodeProbe(conn.until(t, wire.TypeProbe))
			if err != nil || m.Answer {
				t.Fatalf("%v, %v", m, err)
			}
			time.Sleep(30 * time.Millisecond)
			conn.write(t, wire.Probe{Answer: true, Number: m.Number}.Encode())
		}
		s.Settle()
		q := ask(t, s, a).GetQuality()
		if q.GetSource() != inspectv1.QualitySource_QUALITY_SOURCE_PROBE || q.GetRtt().AsDuration() != 30*time.Millisecond || q.Loss == nil || q.GetLoss() != 0 {
			t.Errorf("ten answers: %v", q)
		}
		time.Sleep(15 * time.Second) // and none from now on
		if q := ask(t, s, a).GetQuality(); q.GetLoss() < 0.2 || q.GetLost() < 3 {
			t.Errorf("no more answers: %v", q)
		}
		conn.write(t, wire.Probe{Number: 7}.Encode())
		for {
			m, err := wire.DecodeProbe(conn.until(t, wire.TypeProbe))
			if err != nil {
				t.Fatal(err)
			}
			if m.Answer {
				if m.Number != 7 {
					t.Errorf("%v", m)
				}
				return
			}
		}
	})
}

func TestOthersGetNoProbes(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		a, _, conn := besideRaw(t, s, probing("b"))
		ping := conn.read(t)
		for ; ping[0] != wire.TypeData; ping = conn.read(t) {
			if ping[0] == wire.TypeProbe {
				t.Fatal("a probe for a neighbour that knows none")
			}
		}
		h, err := wire.DecodeHeader(ping)
		if err != nil || h.To != wire.NodeHash("b") || h.ToService.String() != "ping" {
			t.Fatalf("%+v, %v", h, err)
		}
		time.Sleep(40 * time.Millisecond)
		answer := make([]byte, wire.HeaderLen)
		wire.Header{HopsToLive: 30, From: h.To, FromService: h.ToService, To: h.From, ToService: h.FromService}.Put(answer)
		conn.write(t, answer)
		s.Settle()
		l := ask(t, s, a)
		if q := l.GetQuality(); q.GetSource() != inspectv1.QualitySource_QUALITY_SOURCE_PING || q.GetRtt().AsDuration() != 40*time.Millisecond {
			t.Errorf("%v", q)
		}
		if tr := l.GetTraffic(); tr.GetFramesIn() != 2 || tr.GetFramesOut() != 2 || tr.GetBytesIn() == 0 {
			t.Errorf("%v", tr)
		}
	})
}
