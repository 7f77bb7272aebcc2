package blackbox

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"receptor/test/blackbox/harness"
)

// door is a place to give a node commands, and how it is configured.
type door struct {
	item string
	dial func() (io.ReadWriteCloser, *bufio.Reader, error)
}

// asks gives the command and returns the answer, over a session that it leaves open.
func (d door) asks(w *world, command string) (session io.ReadWriteCloser, rest *bufio.Reader, answer string) {
	w.t.Helper()
	conn, in, err := d.dial()
	w.must(err)
	if banner, err := in.ReadString('\n'); err != nil || banner != "Receptor Control, node foo\n" {
		w.t.Fatalf("%s: banner %q, %v", d.item, banner, err)
	}
	_, err = fmt.Fprintln(conn, command)
	w.must(err)
	answer, err = in.ReadString('\n')
	if err != nil {
		w.t.Fatalf("%s: %s: %q, %v", d.item, command, answer, err)
	}
	return conn, in, answer
}

// Whoever has the node change the very place where it asks gets the answer, whole, and
// then the session ends: it was made under other terms. The place that took over
// serves at once.
func TestReloadChangesTheServiceThatWasAsked(t *testing.T) {
	w := newWorld(t)
	ca := w.authority("authority")
	cert := w.issue(ca, "foo", of("foo"))
	n, port := w.configured("foo"), w.port()
	linkPort := w.port()
	m := w.configured("m", fmt.Sprintf(`tcp-peer: {address: "127.0.0.1:%d"}`, linkPort))
	items := []string{
		fmt.Sprintf("tcp-listener: {bindaddr: 127.0.0.1, port: %d}", linkPort),
		fmt.Sprintf("tls-server: {name: s, cert: %s, key: %s}", cert.cert, cert.key),
	}
	m.write(fmt.Sprintf(`tcp-peer: {address: "127.0.0.1:%d"}`, linkPort),
		fmt.Sprintf("tls-client: {name: c, rootcas: %s, cert: \"\", key: \"\"}", ca.cert))
	n.write(items...)
	w.up(n.Node, m.Node)
	w.must(m.Sees(w.ctx, "foo"))

	over := func(dial func() (net.Conn, error)) func() (io.ReadWriteCloser, *bufio.Reader, error) {
		return func() (io.ReadWriteCloser, *bufio.Reader, error) {
			conn, err := dial()
			if err != nil {
				return nil, nil, err
			}
			w.inTime(conn)
			return conn, bufio.NewReader(conn), nil
		}
	}
	unix := func(name, more string) door {
		file := filepath.Join(w.Dir, name)
		return door{fmt.Sprintf("control-service: {service: ctl, filename: %s%s}", file, more),
			over(func() (net.Conn, error) { return net.Dial("unix", file) })}
	}
	plain := func(port int) door {
		return door{fmt.Sprintf(`control-service: {service: ctl, tcplisten: "127.0.0.1:%d"}`, port),
			over(func() (net.Conn, error) { return net.Dial("tcp4", local(port)) })}
	}
	secure := door{fmt.Sprintf(`control-service: {service: ctl, tcplisten: "127.0.0.1:%d", tcptls: s}`, port),
		over(func() (net.Conn, error) { return tls.DialWithDialer(w.dialer(), "tcp4", local(port), w.believing(ca)) })}
	mesh := func(service, more, client string) door {
		return door{fmt.Sprintf("control-service: {service: %s%s}", service, more), func() (io.ReadWriteCloser, *bufio.Reader, error) {
			s, err := m.Connect(w.ctx, "foo", service, client)
			if err != nil {
				return nil, nil, err
			}
			return s, s.In, nil
		}}
	}

	for name, doors := range map[string][2]door{
		"mode of a socket":  {unix("a", ""), unix("a", ", permissions: 0640")},
		"another socket":    {unix("b", ""), unix("c", "")},
		"another port":      {plain(port), plain(w.port())},
		"TLS on a port":     {plain(port), secure},
		"no TLS any more":   {secure, plain(port)},
		"another service":   {mesh("one", "", ""), mesh("two", "", "")},
		"TLS on a service":  {mesh("one", "", ""), mesh("one", ", tls: s", "c")},
		"no TLS on it":      {mesh("one", ", tls: s", "c"), mesh("one", "", "")},
		"socket to service": {unix("d", ""), mesh("one", "", "")},
	} {
		t.Run(name, func(t *testing.T) {
			w := w.in(t)
			n.write(append(items, doors[0].item)...)
			w.ctl(n.Node, "reload")
			n.write(append(items, doors[1].item)...)
			session, rest, answer := doors[0].asks(w, "reload")
			if !strings.HasSuffix(answer, "\"Success\":true}\n") {
				t.Errorf("reload: %q", answer)
			}
			if more, err := io.ReadAll(rest); err != nil || len(more) > 0 {
				t.Errorf("after the answer: %q, %v", more, err)
			}
			w.must(session.Close())
			w.must(harness.Until(w.ctx, "the service that took over", func() error {
				session, _, err := doors[1].dial()
				if err == nil {
					err = session.Close()
				}
				return err
			}))
			session, _, answer = doors[1].asks(w, "reload-dry-run")
			if answer != "{\"DryRun\":true,\"Success\":true}\n" {
				t.Errorf("by the service that took over: %q", answer)
			}
			w.must(session.Close())
		})
	}
}

// So does a client of an existing node, whose connection ends with its stream.
func TestReloadOverAnOldNode(t *testing.T) {
	peer := peerProgram(t)
	w := newWorld(t)
	port := w.port()
	foo, old := w.configured("foo"), w.Node(peer, "old", harness.Peer(port)...)
	items := func(service string) []string {
		return []string{
			fmt.Sprintf("tcp-listener: {bindaddr: 127.0.0.1, port: %d}", port), fmt.Sprintf("control-service: {service: %s}", service),
		}
	}
	old.Foreign = true
	foo.write(items("one")...)
	w.up(foo.Node, old)
	w.must(old.Sees(w.ctx, "foo"))
	at := func(service string) door {
		return door{service, func() (io.ReadWriteCloser, *bufio.Reader, error) {
			s, err := old.Connect(w.ctx, "foo", service, "")
			if err != nil {
				return nil, nil, err
			}
			return s, s.In, nil
		}}
	}
	foo.write(items("two")...)
	session, rest, answer := at("one").asks(w, "reload")
	if !strings.HasSuffix(answer, "\"Success\":true}\n") {
		t.Errorf("reload: %q", answer)
	}
	if more, err := io.ReadAll(rest); err != nil || len(more) > 0 {
		t.Errorf("after the answer: %q, %v", more, err)
	}
	w.must(session.Close())
	session, _, answer = at("two").asks(w, "reload-dry-run")
	if answer != "{\"DryRun\":true,\"Success\":true}\n" {
		t.Errorf("by the service that took over: %q", answer)
	}
	w.must(session.Close())
	if n := w.logged(old, "unreachable"); n > 0 {
		t.Errorf("the old node was told %d times that the service is gone, and would have ended the stream", n)
	}
}
