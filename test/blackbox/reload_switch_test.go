package blackbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"receptor/test/blackbox/harness"
)

// quiet writes items beside the node and its socket, without debug mode.
func (c configured) quiet(items ...string) {
	c.w.t.Helper()
	c.raw([]string{
		fmt.Sprintf("node: {id: %s, datadir: %s}", c.ID, c.DataDir), fmt.Sprintf("control-service: {filename: %s}", c.Socket),
	}, items...)
}

// would wants a dry run to tell this of the file as it is now, and nothing else.
func (c configured) would(plan string) {
	c.w.t.Helper()
	if got := c.w.ctl(c.Node, "reload", "--dry-run"); got != plan {
		c.w.t.Errorf("a reload would %q, want %q", got, plan)
	}
}

// byCommand and bySignal are the two ways to a reload. Both return when it is done.
func (c configured) byCommand() {
	c.w.t.Helper()
	if got := c.w.ctl(c.Node, "reload"); got != "Reload successful\n" {
		c.w.t.Errorf("reload of %s: %q", c.ID, got)
	}
}

func (c configured) bySignal() {
	c.w.t.Helper()
	c.w.must(syscall.Kill(c.PID(), syscall.SIGHUP))
	c.w.must(harness.Until(c.w.ctx, "the reload", func() error {
		if got := c.w.ctl(c.Node, "reload", "--dry-run"); got != "Nothing would change\n" {
			return errors.New(got)
		}
		return nil
	}))
}

// log is what is in the log so far.
func (c configured) log() []byte {
	c.w.t.Helper()
	text, err := os.ReadFile(c.LogFile)
	c.w.must(err)
	return text
}

func TestReloadSwitchesTheFormOfTheLog(t *testing.T) {
	w := newWorld(t)
	n := w.configured("foo")
	n.quiet("local-only")
	w.up(n.Node)
	for _, reload := range []func(){n.byCommand, n.bySignal} {
		n.quiet("local-only", "log-format: json")
		n.would("~ log-format\n")
		before := len(n.log())
		reload()
		w.logLineHas(n.Node, `"part":"log-format"`, `"level":"info"`, `"time":"`)
		objects := n.log()[before:]
		for line := range bytes.Lines(objects) {
			if !bytes.HasSuffix(line, []byte("\n")) {
				break // not all of it is there yet
			}
			if line[0] != '{' && bytes.Contains(line, []byte("log-format")) || line[0] == '{' && !json.Valid(line) {
				t.Errorf("as objects: %q", line)
			}
		}
		n.quiet("local-only")
		n.would("~ log-format\n")
		changes := w.logged(n.Node, "configuration changed action=change part=log-format")
		reload()
		w.logCounts(n.Node, "configuration changed action=change part=log-format", changes+1)
	}
}

// quietPair are two nodes: a dials b, which listens and is without debug mode.
func (w *world) quietPair() (a, b configured, listener string) {
	w.t.Helper()
	port := w.port()
	listener = fmt.Sprintf("tcp-listener: {bindaddr: 127.0.0.1, port: %d}", port)
	a, b = w.configured("a", fmt.Sprintf(`tcp-peer: {address: "127.0.0.1:%d"}`, port)), w.configured("b")
	b.quiet(listener)
	w.up(b.Node, a.Node)
	w.must(a.Sees(w.ctx, "b"))
	w.must(b.Sees(w.ctx, "a"))
	return a, b, listener
}

// The link that is traced was there before the trace.
func TestReloadSwitchesTheTrace(t *testing.T) {
	w := newWorld(t)
	a, b, listener := w.quietPair()
	for _, reload := range []func(){b.byCommand, b.bySignal} {
		w.ctl(a.Node, "ping", "b", "--count", "1")
		off := w.logged(b.Node, "TRACE")
		b.quiet(listener, "trace")
		b.would("+ trace\n")
		if now := w.logged(b.Node, "TRACE"); now != off {
			t.Errorf("%d lines of a trace that is off", now-off)
		}
		reload()
		w.ctl(a.Node, "ping", "b", "--count", "1")
		w.logLineHas(b.Node, "TRACE", "--- Received data length 0 from a:", "to b:ping via a")
		w.logLineHas(b.Node, "TRACE", "--- Sending data", "from b:ping to a:")
		b.quiet(listener)
		b.would("- trace\n")
		reload()
	}
}

// speechless wants whatever shows the inside of a node to say that debug mode is off.
func (c configured) speechless() {
	c.w.t.Helper()
	for _, args := range [][]string{{"tree"}, {"events"}, {"top", "--count", "1"}, {"act", "restart", "node/links"}} {
		_, stderr, code := c.w.run(programs.Receptorctl, append([]string{"--socket", c.Socket}, args...)...)
		if code == 0 || !strings.Contains(stderr, "--debug") || !strings.Contains(stderr, "reload") {
			c.w.t.Errorf("%q without debug mode: exit status %d, %q", args, code, stderr)
		}
	}
}

// measured waits until an actor, and one below it, are said to spend their time with
// messages.
func (c configured) measured(path string) {
	c.w.t.Helper()
	c.w.must(harness.Until(c.w.ctx, "measures of "+path, func() error {
		var top struct {
			Actors []struct {
				Path     string
				MostTime string `json:"most_time"`
			}
		}
		text := c.w.ctl(c.Node, "top", "--json", "--count", "1", "--interval", "0.1s")
		c.w.must(json.Unmarshal([]byte(text), &top))
		for _, a := range top.Actors {
			if strings.HasPrefix(a.Path, path+"/") && a.MostTime != "" {
				return nil
			}
		}
		return errors.New(text)
	}))
}

// A node that runs for long is debugged when something is wrong with it, without an
// end to what goes on.
func TestReloadSwitchesDebugMode(t *testing.T) {
	w := newWorld(t)
	a, b, listener := w.quietPair()
	linksOfA := a.actors("node/links/")
	b.speechless()
	for _, reload := range []func(){b.byCommand, b.bySignal} {
		b.quiet(listener, "debug: {actions: true}")
		b.would("+ debug\n")
		b.speechless()
		reload()
		a.keeps("node/links/", linksOfA)
		w.happens(b.Node, "reloaded")

		// What was there before is measured, too, and can be acted on.
		b.measured("node/links")
		b.measured("node/control")
		w.ctl(b.Node, "act", "log-level", "node/router", "debug", "--for", "1m")
		w.ctl(b.Node, "act", "restart", "node/services")
		w.happens(b.Node, "action_taken", "actor_restarted")
		if text := w.ctl(b.Node, "tree", "--long", "node/services"); !strings.Contains(text, "restarted by an operator") {
			t.Errorf("the tree has no history: %s", text)
		}

		// Who follows the events is told when they end.
		follower, err := harness.Dial(w.ctx, b.Socket)
		w.must(err)
		_, err = follower.Ask(`{"command":"events","follow":true}`)
		w.must(err)
		b.quiet(listener)
		b.would("- debug\n")
		reload()
		for err == nil {
			_, err = follower.ReadLine()
		}
		if refused := new(harness.RefusedError); !errors.As(err, &refused) || !strings.Contains(refused.Text, "--debug") {
			t.Errorf("a follower of events: %v", err)
		}
		w.must(follower.Close())
		b.speechless()
	}
}
