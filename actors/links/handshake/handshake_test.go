package handshake

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"reflect"
	"testing"

	"receptor/transport/wire"
)

// step is an event and what must follow.
type step struct {
	event func(*Machine) Action
	want  Action
}

func update(origin, via string, conns map[string]float64) func(*Machine) Action {
	return func(m *Machine) Action {
		return m.Update(wire.RoutingUpdate{NodeID: origin, ForwardingNode: via, Connections: conns})
	}
}

func refused(reason string) func(*Machine) Action {
	return func(m *Machine) Action { return m.Refused(reason) }
}

func reconfigured(cfg Config) func(*Machine) Action {
	return func(m *Machine) Action { return m.Reconfigure(cfg) }
}

func dismissed(m *Machine) Action { return m.Dismissed("somebody asked for it") }

func certified(names ...string) func(*Machine) Action {
	return func(m *Machine) Action {
		m.Certified(names)
		return Action{}
	}
}

var (
	any1   = Config{NodeID: "a", Cost: 1, AnyPeer: true}
	onlyB  = Config{NodeID: "a", Cost: 1, AllowedPeers: []string{"b"}}
	onlyC  = Config{NodeID: "a", Cost: 1, AllowedPeers: []string{"c"}}
	ask    = Action{Do: Ask, Node: "b", Cost: 1}
	accept = Action{Do: Accept, Node: "b", Cost: 1}

	hello    = step{update("b", "b", map[string]float64{}), ask}
	accepted = step{(*Machine).Accepted, accept}
	listed   = step{update("b", "b", map[string]float64{"a": 1}), Action{Do: Pass}}
	foreign  = step{update("c", "b", map[string]float64{}), Action{Do: Pass}}
	quiet    = func(event func(*Machine) Action) step { return step{event, Action{}} }
)

func reject(node, reason string) Action { return Action{Do: Reject, Node: node, Reason: reason} }

func TestRules(t *testing.T) {
	tests := []struct {
		name  string
		cfg   Config
		steps []step
	}{
		{"the first message is an init", any1, []step{{(*Machine).Tick, Action{Do: SendInit}}}},
		{"2 the first update names the neighbour by its forwarder", any1, []step{{update("c", "b", nil), ask}}},
		{"2 nothing else is looked at before", any1, []step{quiet((*Machine).Advertisement), quiet((*Machine).Accepted)}},
		{"2a own ID", any1, []step{{update("a", "a", nil), reject("a", ReasonOwnID)}}},
		{"2a before allowed peers", Config{NodeID: "a"}, []step{{update("a", "a", nil), reject("a", ReasonOwnID)}}},
		{"2b not allowed", Config{NodeID: "a", AllowedPeers: []string{"c"}}, []step{
			{update("b", "b", nil), reject("b", ReasonNotAllowed)}}},
		{"2b an empty list allows nobody", Config{NodeID: "a", AllowedPeers: []string{}}, []step{
			{update("b", "b", nil), reject("b", ReasonNotAllowed)}}},
		{"2b allowed", Config{NodeID: "a", Cost: 1, AllowedPeers: []string{"c", "b"}}, []step{hello}},
		{"its certificate names it", any1, []step{quiet(certified("c", "b")), hello}},
		{"its certificate names others", any1, []step{quiet(certified("c", "d")),
			{update("b", "b", nil), reject("b", ReasonUncertain+": c, d")}}},
		{"its certificate names another", any1, []step{quiet(certified("c")), {update("b", "b", nil), reject("b", ReasonUncertain+": c")}}},
		{"its certificate names nobody", any1, []step{quiet(certified()), hello}},
		{"2c cost of the node", Config{NodeID: "a", Cost: 1, AnyPeer: true, NodeCost: map[string]float64{"b": 2.5}}, []step{
			{update("b", "b", nil), Action{Do: Ask, Node: "b", Cost: 2.5}}}},
		{"2d the router refuses", any1, []step{hello,
			{refused("it connected using a node ID we are already connected to"),
				reject("b", "it connected using a node ID we are already connected to")}}},
		{"a neighbour without a name", any1, []step{{update("b", "", nil), reject("", ReasonNameless)}}},
		{"what comes before the answer waits for it", any1, []step{hello,
			{update("b", "b", map[string]float64{"a": 1}), Action{Do: Hold}},
			{(*Machine).Advertisement, Action{Do: Hold}}, accepted, listed}},
		{"3 init messages stop", any1, []step{hello, {(*Machine).Tick, Action{Do: SendInit}}, accepted, quiet((*Machine).Tick)}},
		{"4a another forwarder", any1, []step{hello, accepted, {update("c", "c", nil), reject("b", ReasonChanged)}}},
		{"4b late init messages are ignored", any1, []step{hello, accepted,
			quiet(update("b", "b", nil)), quiet(update("b", "b", map[string]float64{"c": 1})), listed}},
		{"4b no longer listed", any1, []step{hello, accepted, listed,
			{update("b", "b", map[string]float64{"c": 1}), reject("b", ReasonUnlisted)}}},
		{"4b another cost", any1, []step{hello, accepted,
			{update("b", "b", map[string]float64{"a": 1.5}), reject("b", ReasonCost)}}},
		{"4b another cost later", any1, []step{hello, accepted, listed,
			{update("b", "b", map[string]float64{"a": 1.0000000001}), reject("b", ReasonCost)}}},
		{"4c updates of others pass, before and after", any1, []step{hello, accepted, foreign, listed, foreign}},
		{"5 advertisements pass", any1, []step{hello, accepted, {(*Machine).Advertisement, Action{Do: Pass}}}},
		{"6 reject in any state: waiting", any1, []step{{(*Machine).Rejected, Action{Do: End}}}},
		{"6 asking", any1, []step{hello, {(*Machine).Rejected, Action{Do: End, Node: "b"}}, quiet((*Machine).Accepted)}},
		{"6 established", any1, []step{hello, accepted, {(*Machine).Rejected, Action{Do: End, Node: "b"}}}},
		{"new rules that it keeps", any1, []step{hello, accepted, quiet(reconfigured(onlyB)), listed}},
		{"new rules that refuse it", any1, []step{hello, accepted, {reconfigured(onlyC), reject("b", ReasonNotAllowed)}}},
		{"new rules that refuse it while it asks", any1, []step{hello, {reconfigured(onlyC), reject("b", ReasonNotAllowed)}, quiet((*Machine).Accepted)}},
		{"new rules before it spoke", any1, []step{quiet(reconfigured(onlyC)), {update("b", "b", nil), reject("b", ReasonNotAllowed)}}},
		{"a new cost", any1, []step{hello, accepted, {reconfigured(Config{NodeID: "a", Cost: 2, AnyPeer: true}), reject("b", ReasonNewCost)}}},
		{"a new cost of others", any1, []step{hello, accepted,
			quiet(reconfigured(Config{NodeID: "a", Cost: 2, AnyPeer: true, NodeCost: map[string]float64{"b": 1}})), listed}},
		{"new rules when it is over", any1, []step{hello, {(*Machine).Rejected, Action{Do: End, Node: "b"}}, quiet(reconfigured(onlyC))}},
		{"dismissed", any1, []step{quiet(dismissed), hello, quiet(dismissed), accepted,
			{dismissed, reject("b", "somebody asked for it")}, quiet(dismissed)}},
		{"over is over", any1, []step{{update("a", "a", nil), reject("a", ReasonOwnID)},
			quiet((*Machine).Tick), quiet((*Machine).Rejected), quiet(update("b", "b", nil)), quiet(refused("x")),
			quiet((*Machine).Advertisement)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := New(tt.cfg)
			for i, s := range tt.steps {
				if got := s.event(m); !reflect.DeepEqual(got, s.want) {
					t.Fatalf("step %d: %+v, want %+v", i, got, s.want)
				}
			}
		})
	}
}

func TestGivesUpInPlaceOfTheEleventhMessage(t *testing.T) {
	m := New(any1)
	for i := range Tries - 1 {
		if got := m.Tick(); got.Do != SendInit {
			t.Fatalf("tick %d: %+v", i, got)
		}
	}
	if got := m.Tick(); got.Do != GiveUp || !m.Over() {
		t.Fatalf("last tick: %+v", got)
	}
}

func TestCapabilitiesGoToTheRouter(t *testing.T) {
	m := New(any1)
	got := m.Update(wire.RoutingUpdate{NodeID: "b", ForwardingNode: "b", Capabilities: []string{"x"}})
	if !reflect.DeepEqual(got.Capabilities, []string{"x"}) {
		t.Errorf("%+v", got)
	}
}

type transcript struct {
	Vectors []struct {
		Dir string `json:"dir"`
		Hex string `json:"message_hex"`
	} `json:"vectors"`
}

func load(t *testing.T, file string) transcript {
	t.Helper()
	text, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var tr transcript
	if err := json.Unmarshal(text, &tr); err != nil {
		t.Fatal(err)
	}
	return tr
}

// TestTranscript plays what two existing nodes said to each other to both ends.
func TestTranscript(t *testing.T) {
	ends := map[string]*Machine{
		"beta->alpha": New(Config{NodeID: "alpha", Cost: 1, AnyPeer: true}),
		"alpha->beta": New(Config{NodeID: "beta", Cost: 1, AllowedPeers: []string{"alpha"}}),
	}
	done := map[Do]int{}
	for i, v := range load(t, "mesh-link-transcript.json").Vectors {
		m, msg := ends[v.Dir], decode(t, v.Hex)
		if len(msg) == 0 {
			continue // a summary of many
		}
		var got Action
		switch msg[0] {
		case wire.TypeRoutingUpdate:
			u, err := wire.DecodeRoutingUpdate(msg)
			if err != nil {
				t.Fatal(err)
			}
			got = m.Update(u)
		case wire.TypeServiceAd:
			got = m.Advertisement()
		default:
			continue
		}
		if got.Do == Ask {
			got = m.Accepted()
		}
		done[got.Do]++
		if got.Do != Accept && got.Do != Pass && got.Do != Nothing {
			t.Fatalf("message %d: %+v", i, got)
		}
	}
	if done[Accept] != 2 || done[Pass] < 4 {
		t.Errorf("accepted %d, passed %d", done[Accept], done[Pass])
	}
	for dir, m := range ends {
		if !m.Established() || !m.listsUs {
			t.Errorf("%s is not established", dir)
		}
	}
}

func TestRejectVectors(t *testing.T) {
	for _, v := range load(t, "mesh-reject.json").Vectors {
		if msg := decode(t, v.Hex); string(msg) != string(wire.Reject) {
			t.Errorf("captured %x, ours %x", msg, wire.Reject)
		}
	}
}

func decode(t *testing.T, text string) []byte {
	t.Helper()
	msg, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return msg
}
