package mesh

import (
	"runtime"
	"testing"
	"time"

	"receptor/transport/mesh/firewall"
	"receptor/transport/wire"
)

// walled is chain with rules on one of the nodes.
func walled(t *testing.T, node string, rules []firewall.Rule, names ...string) *wires {
	t.Helper()
	w := chain(t, names...)
	compiled, err := firewall.Compile(rules)
	if err != nil {
		t.Fatal(err)
	}
	w.planes[node].SetFirewall(compiled)
	return w
}

func TestFirewall(t *testing.T) {
	for name, tc := range map[string]struct {
		at       string
		rules    []firewall.Rule
		from, to string
		by       string // who answers
		problem  string
	}{
		"no rule matches": {"b", []firewall.Rule{{Action: "reject", FromNode: "x"}}, "a", "c", "c", ""},
		"in transit":      {"b", []firewall.Rule{{Action: "reject", FromNode: "a", ToService: "ping"}}, "a", "c", "b", wire.ProblemFirewall},
		"at the far end":  {"c", []firewall.Rule{{Action: "reject", ToNode: "c", ToService: "ping"}}, "a", "c", "c", wire.ProblemFirewall},
		"at home":         {"a", []firewall.Rule{{Action: "reject", ToNode: "c"}}, "a", "c", "a", wire.ProblemFirewall},
		"to oneself":      {"a", []firewall.Rule{{Action: "reject", ToNode: "a", ToService: "ping"}}, "a", "a", "a", wire.ProblemFirewall},
		"first one wins":  {"b", []firewall.Rule{{Action: "accept", ToNode: "/c|d/"}, {Action: "reject"}}, "c", "a", "b", wire.ProblemFirewall},
	} {
		t.Run(name, func(t *testing.T) {
			w := walled(t, tc.at, tc.rules, "a", "b", "c")
			r := w.planes[tc.from].Ping(t.Context(), tc.to, 30)
			if r.From != tc.by || r.Problem != tc.problem {
				t.Errorf("got %+v, want %s from %s", r, tc.problem, tc.by)
			}
		})
	}
}

// A rule that rejects everything rejects notices too, but never answers one.
func TestARejectIsNotAnswered(t *testing.T) {
	w := walled(t, "b", []firewall.Rule{{Action: "reject"}}, "a", "b", "c")
	a := w.planes["a"]
	s, err := a.Listen("", SocketOptions{OnUnreachable: func(wire.Unreachable, string) { t.Error("a notice got through") }})
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, err := s.WriteTo([]byte("x"), Addr{Node: "c", Service: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	blocked := &w.planes["b"].Counters().Blocked
	for deadline := time.Now().Add(10 * time.Second); blocked.Load() < 20; runtime.Gosched() { // each datagram, and the notice about it
		if time.Now().After(deadline) {
			t.Fatal("blocked only ", blocked.Load())
		}
	}
	if got := blocked.Load(); got != 20 {
		t.Errorf("%d frames were blocked", got)
	}
	s.Close()
}

func TestDropIsSilentAndStrangersDoNotPassRules(t *testing.T) {
	w := walled(t, "b", []firewall.Rule{{Action: "drop", ToService: "x"}}, "a", "b", "c")
	s, err := w.planes["a"].Listen("", SocketOptions{OnUnreachable: func(wire.Unreachable, string) { t.Error("a drop was answered") }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.WriteTo([]byte("x"), Addr{Node: "c", Service: "x"}); err != nil {
		t.Errorf("the sender noticed: %v", err)
	}
	b := w.planes["b"]
	msg := make([]byte, wire.HeaderLen)
	wire.Header{HopsToLive: 5, From: 4711, To: wire.NodeHash("c")}.Put(msg)
	if b.admit(msg) || b.Counters().UnknownNode.Load() != 1 {
		t.Error("a frame from nobody passed")
	}
}
