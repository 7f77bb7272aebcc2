package mesh

import (
	"testing"

	"receptor/transport/frame"
	"receptor/transport/wire"
)

// heard counts what it is told.
type heard struct {
	Tracer // what it is not told here

	sent, received, forwarded, copied int
}

func (h *heard) Sent(Traced)                { h.sent++ }
func (h *heard) Received(Traced, string)    { h.received++ }
func (h *heard) Forwarded(Traced, string)   { h.forwarded++ }
func (h *heard) Copied(int, string, string) { h.copied++ }

// A trace can begin and end while messages flow.
func TestTracingIsSwitched(t *testing.T) {
	p, q := New(Config{NodeID: "b"}), NewQueue(DefaultQueueBytes)
	p.Attach("c", q)
	p.Publish(Routes{NextHop: map[string]string{"c": "c"}})
	msg := make([]byte, wire.HeaderLen)
	wire.Header{HopsToLive: 30, To: wire.NodeHash("c")}.Put(msg)
	s, err := p.Listen("here", SocketOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	flow := func() {
		p.TraceReceived(msg, "a")
		p.TraceCopied(1, "x", "y")
		p.Receive(frame.Copy(msg))
		if _, err := s.WriteTo(nil, Addr{Node: "c", Service: "there"}); err != nil {
			t.Fatal(err)
		}
	}
	var first, second heard
	flow()
	p.SetTracer(&first)
	flow()
	p.SetTracer(&second)
	flow()
	p.SetTracer(nil)
	flow()
	if want := (heard{sent: 1, received: 1, forwarded: 1, copied: 1}); first != want || second != want {
		t.Errorf("heard %+v and %+v, want %+v", first, second, want)
	}
}
