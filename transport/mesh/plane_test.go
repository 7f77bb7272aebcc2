package mesh

import (
	"errors"
	"fmt"
	"testing"

	"receptor/transport/frame"
	"receptor/transport/mesh/firewall"
	"receptor/transport/wire"
)

// Each frame counts once, as what became of it.
func TestCounters(t *testing.T) {
	p := New(Config{NodeID: "b"})
	q := NewQueue(DefaultQueueBytes)
	defer q.Close()
	p.Attach("c", q)
	p.Publish(Routes{NextHop: map[string]string{"c": "c"}, Names: []string{"a", "b", "c"}})
	s, err := p.Listen("here", SocketOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	receive := func(hops byte, to string) {
		msg := make([]byte, wire.HeaderLen)
		wire.Header{HopsToLive: hops, From: wire.NodeHash("x"), To: wire.NodeHash(to), ToService: s.service}.Put(msg)
		p.Receive(frame.Copy(msg))
	}
	write := func(to string) {
		if _, err := s.WriteTo(nil, Addr{Node: to, Service: "here"}); err != nil && !errors.Is(err, ErrNoRoute) {
			t.Error(err)
		}
	}
	c := p.Counters()
	seen := func() string {
		return fmt.Sprint(c.Forwarded.Load(), c.Delivered.Load(), c.Expired.Load(), c.NoRoute.Load(), c.NoService.Load())
	}
	for _, step := range []struct {
		name string
		do   func()
		want string // forwarded, delivered, expired, no route, no service
	}{
		{"on its way", func() { receive(2, "c") }, "1 0 0 0 0"},
		{"at its last hop", func() { receive(1, "c") }, "2 0 0 0 0"},
		{"out of hops", func() { receive(0, "c") }, "2 0 1 0 0"},
		{"to nobody", func() { receive(2, "d") }, "2 0 1 1 0"},
		{"here", func() { receive(2, "b") }, "2 1 1 1 0"},
		{"from here", func() { write("c") }, "2 1 1 1 0"},
		{"from here to nobody", func() { write("d") }, "2 1 1 2 0"},
		{"out of hops from here", func() { p.Ping(t.Context(), "c", 0) }, "2 1 2 2 0"},
		{"to no service", func() { s.Close(); receive(2, "b") }, "2 1 2 2 1"},
	} {
		if step.do(); seen() != step.want {
			t.Errorf("%s: %s, want %s", step.name, seen(), step.want)
		}
	}
}

// A link that ended late takes nothing from the one that came in its place.
func TestDetachOfAnEarlierLink(t *testing.T) {
	p := New(Config{NodeID: "a"})
	p.Publish(Routes{NextHop: map[string]string{"b": "b"}, Names: []string{"a", "b"}})
	s, err := p.Listen("", SocketOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	old, current := NewQueue(DefaultQueueBytes), NewQueue(DefaultQueueBytes)
	defer old.Close()
	defer current.Close()
	p.Attach("b", old)
	p.Attach("b", current)
	for _, step := range []struct {
		ends   *Queue
		err    error
		queued int
	}{{nil, nil, 1}, {old, nil, 2}, {current, ErrNoRoute, 2}} {
		if step.ends != nil {
			p.Detach("b", step.ends)
		}
		if _, err := s.WriteTo(nil, Addr{Node: "b", Service: "x"}); !errors.Is(err, step.err) {
			t.Errorf("got %v, want %v", err, step.err)
		}
		if n := current.Stats().QueuedFrames; n != step.queued || old.Stats().QueuedFrames != 0 {
			t.Errorf("%d frames are queued, want %d", n, step.queued)
		}
	}
}

func TestRulesHoldFromTheStart(t *testing.T) {
	rules, err := firewall.Compile([]firewall.Rule{{Action: "reject", ToService: "ping"}})
	if err != nil {
		t.Fatal(err)
	}
	p := New(Config{NodeID: "a", Firewall: rules})
	p.Publish(Routes{Names: []string{"a"}})
	if r := p.Ping(t.Context(), "a", 30); r.Problem != wire.ProblemFirewall {
		t.Errorf("got %+v", r)
	}
}

func TestLongestDatagram(t *testing.T) {
	p := New(Config{NodeID: "a"})
	p.Publish(Routes{Names: []string{"a"}})
	s, err := p.Listen("x", SocketOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for n, want := range map[int]error{0: nil, MaxPayload: nil, MaxPayload + 1: ErrTooLarge} {
		if _, err := s.WriteTo(make([]byte, n), Addr{Node: "a", Service: "x"}); !errors.Is(err, want) {
			t.Errorf("%d bytes: %v, want %v", n, err, want)
		}
		if want != nil {
			continue
		}
		if got, _, err := s.ReadFrom(make([]byte, MaxPayload+1)); err != nil || got != n {
			t.Errorf("%d bytes: read %d, %v", n, got, err)
		}
	}
}

// A socket tells who sent, however many do, and does not keep them all. It hears
// nothing from nodes that nobody knows.
func TestManySenders(t *testing.T) {
	p := New(Config{NodeID: "a"})
	p.Publish(Routes{Names: []string{"a", "b"}})
	s, err := p.Listen("x", SocketOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	receive := func(from, service string) {
		id, err := wire.ParseService(service)
		if err != nil {
			t.Fatal(err)
		}
		msg := make([]byte, wire.HeaderLen)
		wire.Header{From: wire.NodeHash(from), FromService: id, To: wire.NodeHash("a"), ToService: s.service}.Put(msg)
		p.Receive(frame.Copy(msg))
	}
	for i := range 2*rememberedPeers + 10 {
		receive("stranger", "s")
		service := fmt.Sprintf("s%d", i)
		receive("b", service)
		_, from, err := s.ReadFrom(nil)
		if err != nil || from.String() != "b:"+service {
			t.Fatalf("datagram %d: from %v, %v", i, from, err)
		}
		if len(s.peers) > rememberedPeers {
			t.Fatalf("%d addresses are kept", len(s.peers))
		}
	}
	if got := p.Counters().UnknownSource.Load(); got != 2*rememberedPeers+10 {
		t.Errorf("%d from strangers", got)
	}
}

// A notice is for the socket of the node that it names, which is this one or none.
func TestNoticesForOthers(t *testing.T) {
	p := New(Config{NodeID: "a"})
	p.Publish(Routes{Names: []string{"a", "b"}})
	var heard []string
	s, err := p.Listen("x", SocketOptions{OnUnreachable: func(u wire.Unreachable, from string) { heard = append(heard, u.Problem+" from "+from) }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, u := range []wire.Unreachable{
		{FromNode: "c", FromService: "x", Problem: "of another node"},
		{FromNode: "a", FromService: "y", Problem: "of another service"},
		{FromNode: "a", FromService: "longer than any", Problem: "of no service"},
		{FromNode: "a", FromService: "x", Problem: "ours"},
	} {
		notice, err := u.Encode()
		if err != nil {
			t.Fatal(err)
		}
		msg := make([]byte, wire.HeaderLen, wire.HeaderLen+len(notice))
		wire.Header{From: wire.NodeHash("b"), FromService: serviceUnreach, To: wire.NodeHash("a"), ToService: serviceUnreach}.Put(msg)
		p.Receive(frame.Copy(append(msg, notice...)))
	}
	if len(heard) != 1 || heard[0] != "ours from b" {
		t.Errorf("heard %q", heard)
	}
}
