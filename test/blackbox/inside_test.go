package blackbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	inspectv1 "receptor/proto/inspect/v1"
	"receptor/test/blackbox/harness"
)

// An operator takes a link down, sees what comes of it, and it heals by itself.
func TestOperatorTakesALinkDown(t *testing.T) {
	w := newWorld(t)
	port := w.port()
	a := w.node("a", harness.Listener(port), []string{"--debug", "actions=true"})
	b := w.node("b", harness.Peer(port), []string{"--debug"}, []string{"--trace"})
	w.up(a, b)
	w.must(a.Sees(w.ctx, "b"))
	w.must(harness.Until(w.ctx, "the link to be measured", func() error {
		l, err := w.onlyLink(a)
		if err == nil && (l.GetQuality().GetSource() != inspectv1.QualitySource_QUALITY_SOURCE_PROBE || l.GetQuality().GetRtt() == nil || l.GetTraffic().GetBytesIn() == 0) {
			err = fmt.Errorf("%v", l)
		}
		return err
	}))
	for path, want := range map[string]string{
		"node":         "node is the root: stop the daemon and start it again, or name an actor below it",
		"node/router":  "node/router can't be restarted alone: restart the node",
		"node/nowhere": "no such actor: node/nowhere",
	} {
		if _, text, code := w.tries(a, "act", "restart", path); code != 1 || !strings.Contains(text, want) {
			t.Errorf("act restart %s: exit status %d, %q", path, code, text)
		}
	}
	if out := w.ctl(a, "act", "link-down", "b", "--for", "2s"); !strings.Contains(out, "link down b") {
		t.Errorf("%q", out)
	}
	w.happens(a, "link_down", "routes_changed")
	w.happens(a, "action_taken")
	w.must(a.Sees(w.ctx, "b"))
	w.happens(a, "link_up", "link_down", "link_up")
	w.happens(b, "actor_failed", "actor_restarted", "link_up")
	w.ctl(b, "ping", "a", "--count", "1")
	w.logHas(b, " --- Sending data length 0 from b:")
	w.logHas(b, " to b:") // the answer
	w.logHas(b, " via a")
}

// What an operator ends early comes back, whoever dials: long before its time.
func TestOperatorHasALinkBackEarly(t *testing.T) {
	w := newWorld(t)
	port := w.port()
	acts := []string{"--debug", "actions=true"}
	a, b := w.node("a", harness.Listener(port), acts), w.node("b", harness.Peer(port), acts)
	w.up(a, b)
	w.must(a.Sees(w.ctx, "b"))
	w.must(b.Sees(w.ctx, "a"))
	for i, holder := range []*harness.Node{b, a} {
		other := map[*harness.Node]string{a: "b", b: "a"}[holder]
		w.ctl(holder, "act", "link-down", other, "--for", "10m")
		w.must(a.Misses(w.ctx, "b"))
		w.must(b.Misses(w.ctx, "a"))
		w.ctl(holder, "act", "link-down", other, "--for", "0")
		w.must(harness.Until(w.ctx, "the link to be back", func() error {
			if n := w.logged(b, "Connection established"); n != i+2 {
				return fmt.Errorf("it was established %d times, want %d", n, i+2)
			}
			return nil
		}))
		w.must(b.Sees(w.ctx, "a"))
		w.must(a.Sees(w.ctx, "b"))
	}
}

// onlyLink is the link of a node that has one.
func (w *world) onlyLink(n *harness.Node) (*inspectv1.Link, error) {
	reply, err := n.Ask(w.ctx, `{"command":"status","requested_fields":["Links"]}`)
	if err != nil {
		return nil, err
	}
	var status struct{ Links []json.RawMessage }
	if err := json.Unmarshal([]byte(reply), &status); err != nil || len(status.Links) != 1 {
		return nil, errors.Join(err, fmt.Errorf("%d links in %s", len(status.Links), reply))
	}
	l := &inspectv1.Link{}
	return l, protojson.Unmarshal(status.Links[0], l)
}

// happens waits until these kinds of events have come, in this order.
func (w *world) happens(n *harness.Node, kinds ...string) {
	w.t.Helper()
	w.must(harness.Until(w.ctx, fmt.Sprintf("%v on %s", kinds, n.ID), func() error {
		out := w.ctl(n, "events", "--json")
		left := kinds
		for line := range strings.Lines(out) {
			if len(left) > 0 && strings.Contains(line, `"`+left[0]+`"`) {
				left = left[1:]
			}
		}
		if len(left) > 0 {
			return fmt.Errorf("no %s in its place in\n%s", left[0], out)
		}
		return nil
	}))
}

// Every line of the log is an object, and a family keeps to its own level.
func TestLogIsObjectsOnRequest(t *testing.T) {
	w := newWorld(t)
	a := w.node("a", []string{"--local-only"}, []string{"--log-format", "json"}, []string{"--log-level", "info", "control=error"})
	w.up(a)
	w.logHas(a, `"message":"Initialization complete"`)
	log := a.LogTail()
	for line := range strings.Lines(log) {
		var event struct{ Level, Time, Message string }
		if err := json.Unmarshal([]byte(line), &event); err != nil || event.Level == "" || event.Time == "" || event.Message == "" {
			t.Errorf("%q: %v", line, err)
		}
	}
	if strings.Contains(log, "control service is listening") {
		t.Errorf("the control family logs below its level: %s", log)
	}
}
