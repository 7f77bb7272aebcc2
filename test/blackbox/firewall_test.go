package blackbox

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"receptor/test/blackbox/harness"
)

const (
	blocked = "blocked by firewall"
	silence = "timeout" // after ten seconds
)

// pingFails wants a ping to come to nothing for a reason.
func (w *world) pingFails(from *harness.Node, to, want string) {
	w.t.Helper()
	var answer struct {
		Success bool
		Error   string
	}
	w.must(from.AskJSON(w.ctx, "ping "+to, &answer))
	if answer.Success || answer.Error != want {
		w.t.Errorf("ping %s from %s: %+v, want %q", to, from.ID, answer, want)
	}
}

// On the command line rules are JSON. An expression between slashes has to match
// all of a name: /f|zzz/ is not foo.
func TestFirewallOnTheCommandLine(t *testing.T) {
	t.Parallel()
	for rules, want := range map[string]string{
		`[{"action":"reject","tonode":"foo","toservice":"ping"}]`:                                        blocked,
		`[{"Action":"REJECT","ToNode":"/F.*/"},{"action":"reject","tonode":"/f.*/","toservice":"ping"}]`: blocked,
		`[{"action":"reject","tonode":"/(?i)F.*|zzz/","toservice":"ping"}]`:                              blocked,
		`[{"action":"reject","tonode":"/f|zzz/"},{"action":"drop","tonode":"/xfoo|o/"}]`:                 "",
		`[{"action":"accept","tonode":"foo"},{"action":"reject"}]`:                                       "",
		`[{"action":"reject","fromnode":"bar"},{"action":"reject","toservice":"pin"}]`:                   "",
		`[]`: "",
	} {
		t.Run(rules, func(t *testing.T) {
			w := newWorld(t)
			foo := w.node("foo", []string{"--local-only"})
			foo.Self = []string{"firewallrules=" + rules}
			w.up(foo)
			if want == "" {
				w.pings(foo, "foo")
				return
			}
			w.pingFails(foo, "foo", want)
		})
	}
}

const middleYAML = `
- node:
    id: b
    datadir: DATA
    firewallrules:
      - action: reject
        fromnode: a
        tonode: c
        toservice: /p.ng|nothing/
      - action: drop
        fromnode: /[c-z]/
        tonode: a
        toservice: ping
- control-service:
    filename: SOCKET
- tcp-listener:
    bindaddr: 127.0.0.1
    port: PORT
`

// A node in the middle rejects one way and drops the other way; the rest passes.
func TestFirewallInTheMiddle(t *testing.T) {
	w := newWorld(t)
	port := w.port()
	a, c := w.node("a", harness.Peer(port)), w.node("c", harness.Peer(port))
	b := w.fromFile("b", "")
	b.ConfigFile = w.file("b.yml", strings.NewReplacer("DATA", b.DataDir, "SOCKET", b.Socket, "PORT", fmt.Sprint(port)).Replace(middleYAML))
	w.up(b, a, c)
	w.must(a.Sees(w.ctx, "b", "c"))
	w.must(c.Sees(w.ctx, "a", "b"))

	start := time.Now()
	w.pingFails(a, "c", blocked)
	if took := time.Since(start); took > atOnce {
		t.Errorf("the reject took %v", took)
	}
	w.pings(a, "b")
	w.pings(b, "a")
	w.pings(b, "c")
	w.pings(c, "b")
	w.mayConnect(a, "c")
	w.mayConnect(c, "a")
	w.pingFails(c, "a", silence)
}

// mayConnect reaches the control service of a node.
func (w *world) mayConnect(from *harness.Node, to string) {
	w.t.Helper()
	if err := w.reaches(from, to, "control", ""); err != nil {
		w.t.Errorf("connect %s from %s: %v", to, from.ID, err)
	}
}

// Two nodes that reject everything do not answer each other's rejections for ever.
func TestRejectionsAreNotRejected(t *testing.T) {
	w := newWorld(t)
	port := w.port()
	a, b := w.node("a", harness.Peer(port)), w.node("b", harness.Listener(port))
	b.Self = []string{`firewallrules=[{"action":"reject"}]`}
	a.Self = []string{`firewallrules=[{"action":"accept","fromnode":"a","toservice":"ping"},{"action":"reject"}]`}
	w.up(b, a)
	w.must(a.Sees(w.ctx, "b"))
	before := w.cpu(a) + w.cpu(b)
	var answer struct{ Success bool }
	w.must(a.AskJSON(w.ctx, "ping b", &answer))
	if answer.Success {
		t.Error("a ping passed")
	}
	if used := w.cpu(a) + w.cpu(b) - before; used > time.Second {
		t.Errorf("one ping took %v of processor time", used)
	}
}

// Nodes of the foreign program understand our rejections.
func TestFirewallBetweenForeignNodes(t *testing.T) {
	peer := peerProgram(t)
	w := newWorld(t)
	port := w.port()
	a, c := w.Node(peer, "a", harness.Peer(port)...), w.Node(peer, "c", harness.Peer(port)...)
	a.Foreign, c.Foreign = true, true
	b := w.node("b", harness.Listener(port))
	b.Self = []string{`firewallrules=[{"action":"reject","tonode":"c","toservice":"ping"}]`}
	w.up(b, a, c)
	w.must(a.Sees(w.ctx, "b", "c"))
	w.must(c.Sees(w.ctx, "a", "b"))
	w.pingFails(a, "c", blocked)
	w.pings(c, "a")
}

// A rule that is no rule is an error of the start that says which and why, never
// a rule that matches more than was meant.
func TestBadFirewallRules(t *testing.T) {
	w := newWorld(t)
	const good = `{"action":"accept"},`
	for rules, want := range map[string]string{
		`[{"action":"zork"}]`:                                 "error in rule 0: unknown action: zork",
		`[` + good + `{"tonode":"a"}]`:                        "error in rule 1: unknown action: ",
		`[{"action":"drop","bogus":"x"}]`:                     "error in rule 0: invalid filewall rule. unknown key: bogus",
		`[` + good + good + `{"action":"drop","tonode":1}]`:   "error in rule 2: invalid firewall rule. tonode must be a string",
		`[{"action":"reject","fromnode":"/zzz"}]`:             "error in rule 0: fromnode",
		`[{"action":"reject","fromnode":"/"}]`:                "error in rule 0: fromnode",
		`[` + good + `{"action":"reject","toservice":"/[/"}]`: "error in rule 1: toservice",
		`[{"action":"reject","toservice":"/a(b/"}]`:           "missing closing )",
		`[{"action":"reject","toservice":"longer than 8"}]`:   "error in rule 0: toservice",
		`["reject"]`: "error in rule 0",
		`{}`:         "firewallrules",
		`[{]`:        "firewallrules",
	} {
		t.Run(rules, func(t *testing.T) {
			w.in(t).refuses([]string{want}, "--node", "id=foo", "datadir="+w.Dir, "firewallrules="+rules, "--local-only")
		})
	}
	yaml := w.file("bad.yml", "- node:\n    id: foo\n    firewallrules:\n      - action: reject\n        tonode: /(/\n- local-only\n")
	w.refuses([]string{"error in rule 0: tonode"}, "--config", yaml)
}
