package blackbox

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"receptor/test/blackbox/harness"
)

// talker does work that writes to both streams.
var talker = harness.Join(harness.Command("cat", "cat", ""), harness.Command("talk", "sh", `-c "echo out; echo oops >&2"`))

// versions are not those of a release in tests.
var versions = regexp.MustCompile(`(?m)^(ok  |warn)  version .*\n`)

// tries runs receptorctl for a node, however it ends.
func (w *world) tries(n *harness.Node, args ...string) (stdout, stderr string, code int) {
	w.t.Helper()
	return w.run(programs.Receptorctl, append([]string{"--socket", n.Socket}, args...)...)
}

// gives submits work and returns the ID of the unit.
func (w *world) gives(n *harness.Node, args ...string) string {
	w.t.Helper()
	out := w.ctl(n, append([]string{"work", "submit", "-n"}, args...)...)
	_, id, found := strings.Cut(strings.TrimSpace(out), "Unit ID: ")
	if !found {
		w.t.Fatalf("no unit in %q", out)
	}
	return id
}

func (w *world) has(text string, lines ...string) {
	w.t.Helper()
	for _, line := range lines {
		if !regexp.MustCompile(`(?m)` + line).MatchString(text) {
			w.t.Errorf("no line %s in\n%s", line, text)
		}
	}
}

func TestReceptorctlOverAChain(t *testing.T) {
	w := newWorld(t)
	a, _, c := w.chain(talker, []string{"--debug"})
	w.knowsServices(a, "b", "c")
	unit := w.gives(a, "talk", "--node", "c")
	stdout, stderr, code := w.tries(a, "work", "logs", "--follow", unit)
	if stdout != "out\n" || !strings.HasSuffix(stderr, "oops\n") || code != 0 {
		t.Errorf("logs: exit status %d, %q, %q", code, stdout, stderr)
	}
	w.has(w.ctl(a, "work", "list", "--table"), `^UNIT ID +TYPE +NODE +STATE +AGE +OUTPUT +DETAIL$`, `^`+unit+` +talk +c +Succeeded +[0-9.]+m?s +4 B +exit status 0$`)

	w.has(w.ctl(a, "traceroute", "--hops", "c"), `^0 +a +\S+ +- +this node$`, `^1 +b +\S+ +1 +up$`, `^2 +c +\S+ +1 +up$`)
	w.has(w.ctl(a, "ping", "--hops", "--count", "1", "c"), `^2 +c +1 +up$`, `^Reply from c in `, `^1 sent, 1 answered, min `)
	for _, args := range []string{"doctor", "doctor c", "doctor c control", "doctor unit " + unit} {
		text := versions.ReplaceAllString(w.ctl(a, strings.Fields(args)...), "")
		if strings.Contains(text, "fail") || strings.Contains(text, "warn") || !strings.Contains(text, "ok    ping ") {
			t.Errorf("%s:\n%s", args, text)
		}
	}
	w.has(w.ctl(a, "__complete", "zsh", "--", "--socket", a.Socket, "ping", ""), `^a\tthis node$`, `^b\tneighbour$`, `^c\tvia b$`)
	w.has(w.ctl(a, "__complete", "fish", "--", "--socket", a.Socket, "work", "logs", ""), `^`+unit+`\tSucceeded remote$`)

	w.must(c.Stop(w.ctx))
	w.must(harness.Until(w.ctx, "the doctor misses c", func() error {
		text, _, code := w.tries(a, "doctor", "c")
		if code != 1 || !strings.Contains(text, "there is no route to c") && !strings.Contains(text, "nothing is known of a node c") {
			return fmt.Errorf("exit status %d: %s", code, text)
		}
		return nil
	}))
	if text, _, code := w.tries(a, "doctor", "unit", unit); code != 1 || !strings.Contains(text, "fail") {
		t.Errorf("doctor of the unit: exit status %d\n%s", code, text)
	}
}

// No node has to run in debug mode for that.
func TestDoctorSaysWhyALinkIsDown(t *testing.T) {
	w := newWorld(t)
	nobody, other := w.port(), w.port()
	dearer := append(harness.Peer(other), "cost=2")
	a := w.node("a", harness.Peer(nobody), dearer)
	b := w.node("b", harness.Listener(other))
	w.up(a, b)
	for _, want := range []struct {
		n    *harness.Node
		args string
		code int
		text []string
	}{
		{a, "doctor", 1, []string{"connection refused", "Nobody listens at that address", "disagree about the connection cost", "the same cost at both ends"}},
		{a, "doctor b", 1, []string{"connection refused", "Nobody listens at that address"}},
		{b, "doctor a", 1, []string{"nothing is known of a node a", "disagree about the connection cost"}},
		{a, "status --long", 0, []string{fmt.Sprintf("tcp-peer:127.0.0.1:%d: ", nobody), "connection refused"}},
	} {
		w.must(harness.Until(w.ctx, want.args+" says why", func() error {
			text, _, code := w.tries(want.n, strings.Fields(want.args)...)
			for _, part := range want.text {
				if code != want.code || !strings.Contains(text, part) {
					return fmt.Errorf("exit status %d, no %q in\n%s", code, part, text)
				}
			}
			return nil
		}))
	}
}

// A foreign node refuses what it does not know, in words that are understood.
func TestReceptorctlBesideAForeignNode(t *testing.T) {
	peer := peerProgram(t)
	w := newWorld(t)
	a, _, c := w.chainOf([3]string{programs.Receptor, programs.Receptor, peer}, talker)
	w.knowsServices(a, "c")
	unit := w.gives(a, "talk", "--node", "c")
	stdout, stderr, code := w.tries(a, "work", "logs", "--follow", unit)
	if code != 0 || !strings.Contains(stdout, "oops") || !strings.Contains(stderr, "node c does not keep standard error apart") {
		t.Errorf("logs: exit status %d, %q, %q", code, stdout, stderr)
	}
	if text, _, code := w.tries(a, "doctor", "unit", unit); code != 0 || !strings.Contains(text, "ok    remote") {
		t.Errorf("doctor: exit status %d\n%s", code, text)
	}
	// And the other way round: our client talks to it.
	text, _, code := w.tries(c, "work", "list", "--table")
	if code != 0 || !strings.Contains(text, "Succeeded") {
		t.Errorf("list: exit status %d\n%s", code, text)
	}
	stdout, stderr, code = w.tries(c, "work", "logs", unit+"x")
	if code != 1 || !strings.Contains(stderr, "unknown work unit") {
		t.Errorf("logs of nothing: exit status %d, %q, %q", code, stdout, stderr)
	}
	if text, _, code := w.tries(c, "doctor", "a"); code != 0 || !strings.Contains(text, "ok    ping") {
		t.Errorf("doctor: exit status %d\n%s", code, text)
	}
}
