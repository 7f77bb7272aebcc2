package blackbox

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"receptor/test/blackbox/harness"
)

// configured is a daemon that runs from a file which changes.
type configured struct {
	*harness.Node
	w *world
}

// configured describes a daemon with a control socket and debug mode, and whatever
// else the items say; each is a line of YAML after the dash.
func (w *world) configured(id string, items ...string) configured {
	w.t.Helper()
	n := configured{w.fromFile(id, ""), w}
	n.ConfigFile = filepath.Join(w.Dir, id+".yml")
	n.write(items...)
	return n
}

// write changes the file, and nothing else.
func (c configured) write(items ...string) {
	c.w.t.Helper()
	own := []string{
		fmt.Sprintf("node: {id: %s, datadir: %s}", c.ID, c.DataDir), "debug",
		fmt.Sprintf("control-service: {filename: %s}", c.Socket),
	}
	c.raw(own, items...)
}

// raw is write with other items for the node itself.
func (c configured) raw(own []string, items ...string) {
	c.w.t.Helper()
	var text strings.Builder
	for _, it := range slices.Concat(own, items) {
		fmt.Fprintf(&text, "- %s\n", it)
	}
	c.w.must(os.WriteFile(c.ConfigFile, []byte(text.String()), 0o600))
}

// become changes the file and reloads it.
func (c configured) become(items ...string) {
	c.w.t.Helper()
	c.write(items...)
	if got := c.w.ctl(c.Node, "reload"); got != "Reload successful\n" {
		c.w.t.Errorf("reload of %s: %q", c.ID, got)
	}
}

// refuses wants a reload to fail with an exit status and a text that has all of these.
func (c configured) refuses(code int, texts ...string) {
	c.w.t.Helper()
	_, stderr, got := c.w.run(programs.Receptorctl, "--socket", c.Socket, "reload")
	if got != code || slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(stderr, text) }) {
		c.w.t.Errorf("reload of %s: exit status %d, want %d; %q has not all of %q", c.ID, got, code, stderr, texts)
	}
}

// links are the actors of the links by neighbour's end, which tell one connection
// from the next.
func (c configured) actors(below string) map[string]bool {
	c.w.t.Helper()
	tree, err := c.Tree(c.w.ctx)
	c.w.must(err)
	found := map[string]bool{}
	tree.Each(func(a harness.Actor) {
		if strings.HasPrefix(a.Path, below) {
			found[fmt.Sprintf("%s after %d restarts", a.Path, a.Restarts)] = true
		}
	})
	return found
}

// keeps wants everything to be there that was before.
func (c configured) keeps(below string, before map[string]bool) {
	c.w.t.Helper()
	now := c.actors(below)
	for path := range before {
		if !now[path] {
			c.w.t.Errorf("%s has lost %s, and has %v", c.ID, path, slices.Sorted(maps.Keys(now)))
		}
	}
}

// talk is a stream through the mesh that goes on for long.
type talk struct {
	w    *world
	conn net.Conn
	in   *bufio.Reader
}

func (w *world) talks(port int) talk {
	conn := w.dial("tcp4", local(port))
	return talk{w, conn, bufio.NewReader(conn)}
}

// says wants the far end to give a line back.
func (t talk) says(text string) {
	t.w.t.Helper()
	_, err := fmt.Fprintln(t.conn, text)
	t.w.must(err)
	got, err := t.in.ReadString('\n')
	if err != nil || got != text+"\n" {
		t.w.t.Fatalf("said %q, heard %q, %v", text, got, err)
	}
}

func giveBack(conn net.Conn) error {
	_, err := io.Copy(conn, conn)
	return err
}

// waiting is a type of work that ends when a file is there.
func waiting(file string) string {
	return fmt.Sprintf(`work-command: {worktype: wait, command: sh, params: "-c 'until test -e %s; do sleep 0.05; done; echo done'"}`, file)
}

// A mesh of three goes on while everything that can change in its middle, and at the
// end where a stream and a unit live, does.
func TestReloadTouchesOnlyWhatChanges(t *testing.T) {
	w := newWorld(t)
	far := w.serve("tcp4", "127.0.0.1:0", giveBack)
	port, entry, over := w.port(), w.port(), filepath.Join(w.Dir, "over")
	listener := func(more string) string {
		return fmt.Sprintf("tcp-listener: {bindaddr: 127.0.0.1, port: %d%s}", port, more)
	}
	peer := fmt.Sprintf(`tcp-peer: {address: "127.0.0.1:%d"}`, port)
	a := w.configured("a", peer, fmt.Sprintf("tcp-server: {bindaddr: 127.0.0.1, port: %d, remotenode: c, remoteservice: back}", entry))
	b := w.configured("b", listener(""))
	service := fmt.Sprintf(`tcp-client: {service: back, address: "%s"}`, far.Addr())
	c := w.configured("c", peer, service, waiting(over))
	w.up(b.Node, a.Node, c.Node)
	w.must(a.Sees(w.ctx, "c"))
	w.must(c.Sees(w.ctx, "a"))

	stream := w.talks(entry)
	stream.says("before")
	unit, _, err := a.Submit(w.ctx, harness.Work{Node: "c", Type: "wait"})
	w.must(err)
	linksOfA, linksOfB, linksOfC := a.actors("node/links/"), b.actors("node/links/"), c.actors("node/links/")
	servicesOfC, unitsOfC := c.actors("node/services/"), c.actors("node/work/")

	// The middle: more ways in, other rules that both neighbours comply with.
	extra, web := w.port(), w.port()
	b.become(listener(", allowedpeers: [a, c, d]"), fmt.Sprintf("udp-listener: {bindaddr: 127.0.0.1, port: %d}", extra),
		fmt.Sprintf("ws-listener: {bindaddr: 127.0.0.1, port: %d}", web), `tcp-peer: {address: "127.0.0.1:1"}`, "log-level: debug")
	stream.says("more listeners")
	w.must(w.dial("tcp4", local(web)).Close())
	w.logHas(b.Node, "DEBUG")
	b.become(listener(", allowedpeers: [a, c], nodecost: {d: 7}"))
	if conn, err := net.Dial("tcp4", local(web)); err == nil {
		conn.Close()
		t.Error("the listener that was removed still answers")
	}
	stream.says("fewer listeners")

	// The end: services and types of work come, change and go.
	c.become(peer, service, waiting(over), "work-command: {worktype: date, command: date}",
		`tcp-client: {service: other, address: "127.0.0.1:1"}`)
	w.advertises(a.Node, "c", []string{"back", "control", "other"}, []string{"date", "wait"})
	stream.says("more services")
	c.become(peer, service, "work-command: {worktype: date, command: echo, params: changed}")
	w.advertises(a.Node, "c", []string{"back", "control"}, []string{"date"})
	w.runs(a.Node, "c", "date", "changed\n")
	stream.says("fewer services")

	for _, before := range []struct {
		node configured
		at   string
		was  map[string]bool
	}{{a, "node/links/", linksOfA}, {b, "node/links/", linksOfB}, {c, "node/links/", linksOfC}, {c, "node/services/", servicesOfC}, {c, "node/work/", unitsOfC}} {
		before.node.keeps(before.at, before.was)
	}
	w.must(os.WriteFile(over, nil, 0o600))
	if u, err := a.Finished(w.ctx, unit); err != nil || u.State != harness.Succeeded {
		t.Errorf("the unit: %+v, %v", u, err)
	}
	w.wantOutput(a.Node, unit, []byte("done\n"))
	stream.says("after")
	w.must(stream.conn.Close())
}

// advertises waits until a node knows exactly these services and types of work of
// another.
func (w *world) advertises(n *harness.Node, of string, services, types []string) {
	w.t.Helper()
	w.must(harness.Until(w.ctx, fmt.Sprintf("%s to know what %s offers", n.ID, of), func() error {
		s, err := n.Status(w.ctx)
		if err != nil {
			return err
		}
		var gotServices, gotTypes []string
		for _, ad := range s.Advertisements {
			if ad.NodeID != of {
				continue
			}
			gotServices = append(gotServices, ad.Service)
			for _, c := range ad.WorkCommands {
				gotTypes = append(gotTypes, c.WorkType)
			}
		}
		slices.Sort(gotServices)
		slices.Sort(gotTypes)
		if !slices.Equal(gotServices, services) || !slices.Equal(gotTypes, types) {
			return fmt.Errorf("services %v, types %v", gotServices, gotTypes)
		}
		return nil
	}))
}

// runs wants work on another node to give this output.
func (w *world) runs(n *harness.Node, on, kind, want string) {
	w.t.Helper()
	unit, _, err := n.Submit(w.ctx, harness.Work{Node: on, Type: kind})
	w.must(err)
	u, err := n.Finished(w.ctx, unit)
	w.must(err)
	if u.State != harness.Succeeded {
		w.t.Errorf("%s on %s: %+v", kind, on, u)
	}
	w.wantOutput(n, unit, []byte(want))
}

// Rules that a neighbour does not comply with end its link, and no other.
func TestReloadedRulesTakeEffect(t *testing.T) {
	w := newWorld(t)
	port := w.port()
	listener := func(more string) string {
		return fmt.Sprintf("tcp-listener: {bindaddr: 127.0.0.1, port: %d%s}", port, more)
	}
	peer := func(cost int) string { return fmt.Sprintf(`tcp-peer: {address: "127.0.0.1:%d", cost: %d}`, port, cost) }
	a, b, c := w.configured("a", peer(1)), w.configured("b", listener("")), w.configured("c", peer(1))
	w.up(b.Node, a.Node, c.Node)
	w.must(a.Sees(w.ctx, "b", "c"))
	w.must(c.Sees(w.ctx, "b", "a"))

	linksOfC := c.actors("node/links/")
	b.become(listener(", allowedpeers: [c]"))
	w.must(c.Misses(w.ctx, "a"))
	w.logHas(b.Node, "allowed peers")
	b.become(listener(", nodecost: {a: 5}"))
	a.become(peer(5))
	w.must(c.Sees(w.ctx, "a"))
	w.must(harness.Until(w.ctx, "the new cost", func() error {
		s, err := a.Status(w.ctx)
		if err == nil && (len(s.Connections) != 1 || s.Connections[0].Cost != 5) {
			err = fmt.Errorf("connections %v", s.Connections)
		}
		return err
	}))
	c.keeps("node/links/", linksOfC)

	rules := func(list string) []string {
		return []string{fmt.Sprintf("node: {id: b, datadir: %s, firewallrules: %s}", b.DataDir, list), "debug",
			fmt.Sprintf("control-service: {filename: %s}", b.Socket)}
	}
	b.raw(rules("[{action: reject, fromnode: a, tonode: c}]"), listener(", nodecost: {a: 5}"))
	w.ctl(b.Node, "reload")
	w.pingFails(a.Node, "c", "blocked by firewall")
	w.pings(a.Node, "b")
	b.become(listener(", nodecost: {a: 5}"))
	w.pings(a.Node, "c")
	c.keeps("node/links/", linksOfC)
}

// Links that were made under other terms do not outlive them; a link to another
// listener does.
func TestReloadedTLSTakesEffect(t *testing.T) {
	w := newWorld(t)
	ca := w.authority("authority")
	ofB, ofA, port, plain := w.issue(ca, "b", of("b")), w.issue(ca, "a", of("a")), w.port(), w.port()
	server := func(more string) string {
		return fmt.Sprintf("tls-server: {name: s, cert: %s, key: %s%s}", ofB.cert, ofB.key, more)
	}
	client := func(more string) string { return fmt.Sprintf("tls-client: {name: c, rootcas: %s%s}", ca.cert, more) }
	listeners := []string{
		fmt.Sprintf("tcp-listener: {bindaddr: 127.0.0.1, port: %d, tls: s}", port),
		fmt.Sprintf("tcp-listener: {bindaddr: 127.0.0.1, port: %d}", plain),
	}
	peer := fmt.Sprintf(`tcp-peer: {address: "localhost:%d", tls: c}`, port)
	a, c := w.configured("a", peer, client(`, cert: "", key: ""`)), w.configured("c", fmt.Sprintf(`tcp-peer: {address: "127.0.0.1:%d"}`, plain))
	b := w.configured("b", append(listeners, server(""))...)
	w.up(b.Node, a.Node, c.Node)
	w.must(c.Sees(w.ctx, "a"))

	linksOfC := c.actors("node/links/")
	b.become(append(listeners, server(", requireclientcert: true, clientcas: "+ca.cert))...)
	w.must(c.Misses(w.ctx, "a"))
	w.logHas(b.Node, "client didn't provide a certificate")
	a.become(peer, client(fmt.Sprintf(", cert: %s, key: %s", ofA.cert, ofA.key)))
	w.must(c.Sees(w.ctx, "a"))
	c.keeps("node/links/", linksOfC)
}
