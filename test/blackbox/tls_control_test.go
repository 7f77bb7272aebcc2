package blackbox

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"receptor/test/blackbox/harness"
)

// atOnce is how long a refusal may take that waits for nothing.
const atOnce = 3 * time.Second

// banner reads the first line of a control service.
func banner(conn net.Conn) (string, error) { return bufio.NewReader(conn).ReadString('\n') }

// asks is a session over a connection that is there already.
func (w *world) asks(conn net.Conn, line, want string) {
	w.t.Helper()
	defer conn.Close()
	w.inTime(conn)
	_, err := io.WriteString(conn, line+"\n")
	w.must(err)
	in := bufio.NewReader(conn)
	for _, want := range []string{"Receptor Control, node ", want} {
		if got, err := in.ReadString('\n'); err != nil || !strings.Contains(got, want) {
			w.t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
}

func TestControlServiceOverTCPWithTLS(t *testing.T) {
	w := newWorld(t)
	ca := w.authority("authority")
	open, closed, strict := w.port(), w.port(), w.port()
	own, friend, stranger := w.issue(ca, "foo", of("foo")), w.issue(ca, "friend", of("friend")), w.issue(w.authority("other"), "stranger", of("friend"))
	foo := w.node("foo", []string{"--local-only"},
		tlsServer("open", own), tlsServer("closed", own, "clientcas="+ca.cert, "requireclientcert=true"), tlsServer("strict", own, "mintls13=true"),
		[]string{"--control-service", "service=two", "tcplisten=" + local(closed), "tcptls=closed"},
		[]string{"--control-service", "service=three", "tcplisten=" + local(strict), "tcptls=strict"})
	foo.Control = []string{"tcplisten=" + local(open), "tcptls=open"}
	w.up(foo)

	cfg := w.believing(ca)
	for port, cfg := range map[int]*tls.Config{open: cfg, closed: w.showing(cfg, friend), strict: cfg} {
		conn, err := tls.DialWithDialer(w.dialer(), "tcp4", local(port), cfg)
		w.must(err)
		w.asks(conn, "ping foo", `"Success":true`)
	}
	old := cfg.Clone()
	old.MaxVersion = tls.VersionTLS12
	for name, c := range map[string]struct {
		port int
		cfg  *tls.Config
		want string
	}{
		"no certificate":          {closed, cfg, "certificate required"},
		"certificate of stranger": {closed, w.showing(cfg, stranger), "bad certificate"},
		"TLS 1.2 where 1.3 is":    {strict, old, "protocol version"},
		"authority nobody knows":  {open, w.believing(w.pair("ca-other")), "unknown authority"},
	} {
		if err := w.greeted(c.port, c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	conn := w.dial("tcp4", local(open)) // without TLS
	defer conn.Close()
	_, err := io.WriteString(conn, "status\n")
	w.must(err)
	if text, err := io.ReadAll(conn); strings.Contains(string(text), "Receptor") || err != nil && !hungUp(err) {
		t.Errorf("a client without TLS is told %q, %v", text, err)
	}
	w.logLineHas(foo, "WARNING", "client certificate", "wrong CA")
	w.logLineHas(foo, "WARNING", "didn't provide a certificate")
	w.must(w.greeted(open, cfg))
}

// greeted dials and reads the banner: only by then a client of TLS 1.3 knows that
// it was let in.
func (w *world) greeted(port int, cfg *tls.Config) error {
	conn, err := tls.DialWithDialer(w.dialer(), "tcp4", local(port), cfg)
	if err != nil {
		return err
	}
	defer conn.Close()
	w.inTime(conn)
	_, err = banner(conn)
	return err
}

// secured is two linked nodes: a dials, b has a control service that wants
// certificates and one that does not, beside the open one.
func (w *world) secured(programs [2]string) (a, b *harness.Node, ca pair) {
	w.t.Helper()
	ca = w.authority("authority")
	ofA, ofB, port := w.issue(ca, "a", of("a")), w.issue(ca, "b", of("b")), w.port()
	pin, _ := w.pins(ofA.cert)
	b = w.Node(programs[1], "b", harness.Join(harness.Listener(port),
		tlsServer("mutual", ofB, "clientcas="+ca.cert, "requireclientcert=true"),
		tlsServer("pinned", ofB, "clientcas="+ca.cert, "requireclientcert=true", "pinnedclientcert="+pin),
		tlsServer("simple", ofB),
		[]string{"--control-service", "service=mutual", "tls=mutual"},
		[]string{"--control-service", "service=pinned", "tls=pinned"},
		[]string{"--control-service", "service=simple", "tls=simple"},
		harness.Command("cat", "cat", ""))...)
	a = w.Node(programs[0], "a", harness.Join(harness.Peer(port),
		tlsClient("own", ofA, "rootcas="+ca.cert),
		tlsClient("second", w.issue(ca, "second", of("a")), "rootcas="+ca.cert),
		tlsClient("none", pair{}, "rootcas="+ca.cert),
		tlsClient("another", w.issue(ca, "another", of("another")), "rootcas="+ca.cert, "skipreceptornamescheck=true"),
		tlsClient("stranger", w.issue(w.authority("other"), "stranger", of("a")), "rootcas="+ca.cert),
		tlsClient("doubter", ofA, "rootcas="+w.pair("ca-other").cert))...)
	for _, n := range []*harness.Node{a, b} {
		n.Foreign = !isOurs(n)
	}
	w.up(b, a)
	w.must(a.Sees(w.ctx, "b"))
	return a, b, ca
}

// reaches connects to a control service and reads its banner: only by then a
// client of TLS 1.3 knows that it was let in.
func (w *world) reaches(from *harness.Node, node, service, tlsClient string) error {
	s, err := from.Connect(w.ctx, node, service, tlsClient)
	if err != nil {
		return err
	}
	defer s.Close()
	line, err := s.ReadLine()
	if err == nil && line != "Receptor Control, node "+node {
		err = fmt.Errorf("unexpected banner %q", line)
	}
	return err
}

func TestMeshControlServiceWithTLS(t *testing.T) {
	w := newWorld(t)
	a, b, _ := w.secured([2]string{programs.Receptor, programs.Receptor})
	for service, client := range map[string]string{"mutual": "own", "pinned": "own", "simple": "none", "control": ""} {
		if err := w.reaches(a, "b", service, client); err != nil {
			t.Errorf("%s as %q: %v", service, client, err)
		}
	}
	if err := w.reaches(a, "b", "mutual", "second"); err != nil {
		t.Errorf("the second certificate of a: %v", err)
	}
	for _, c := range []struct {
		service, client string
		want            string   // for whoever connects; empty: that the stream ends
		logged          []string // at b
	}{
		{"mutual", "", "insecure connection to secure service", nil},
		{"simple", "", "insecure connection to secure service", nil},
		{"mutual", "nobody", "unknown TLS config nobody", nil},
		{"control", "own", "CRYPTO_ERROR", nil},
		{"mutual", "doubter", "wrong CA", nil},
		{"mutual", "none", "", []string{"didn't provide a certificate"}},
		{"mutual", "another", "", []string{"valid for Receptor node ID(s) another, not a"}},
		{"mutual", "stranger", "", []string{"client certificate", "wrong CA"}},
		{"pinned", "second", "", []string{"client certificate", "not pinned"}},
	} {
		start := time.Now()
		err := w.reaches(a, "b", c.service, c.client)
		if err == nil || !strings.Contains(harness.ErrText(err), c.want) {
			t.Errorf("%s as %q: %v, want %q", c.service, c.client, err, c.want)
		}
		if took := time.Since(start); took > atOnce {
			t.Errorf("%s as %q: refused after %v: %v", c.service, c.client, took, err)
		}
		if c.logged != nil {
			w.logLineHas(b, c.logged...)
		}
		t.Logf("%s as %q: %v", c.service, c.client, err)
	}
}

// A certificate for another node is no good at the service of this one.
func TestMeshServiceOfAnotherNode(t *testing.T) {
	w := newWorld(t)
	ca, port := w.authority("authority"), w.port()
	b := w.node("b", harness.Listener(port),
		tlsServer("s", w.issue(ca, "another", of("another")), "skipreceptornamescheck=true"))
	b.Control = []string{"tls=s"}
	a := w.node("a", harness.Peer(port), tlsClient("c", pair{}, "rootcas="+ca.cert))
	w.up(b, a)
	w.must(a.Sees(w.ctx, "b"))
	err := w.reaches(a, "b", "control", "c")
	if text := harness.ErrText(err); !strings.Contains(text, "certificate is valid for Receptor node ID(s) another, not b") {
		t.Errorf("connect: %v", err)
	}
}

func TestStatusShowsStreamsWithTLS(t *testing.T) {
	w := newWorld(t)
	a, _, _ := w.secured([2]string{programs.Receptor, programs.Receptor})
	w.must(harness.Until(w.ctx, "the services of b", func() error {
		text := w.ctl(a, "status")
		for _, want := range []string{"b            mutual    StreamTLS ", "b            control   Stream "} {
			if !strings.Contains(text, want) {
				return errors.New(text)
			}
		}
		return nil
	}))
}

// Work goes where only certificates lead.
func TestRemoteWorkWithTLS(t *testing.T) {
	w := newWorld(t)
	ca, port := w.authority("authority"), w.port()
	b := w.node("b", harness.Listener(port), harness.Command("cat", "cat", ""),
		tlsServer("mutual", w.issue(ca, "b", of("b")), "clientcas="+ca.cert, "requireclientcert=true"))
	b.Control = []string{"tls=mutual"}
	a := w.node("a", harness.Peer(port), tlsClient("own", w.issue(ca, "a", of("a")), "rootcas="+ca.cert))
	w.up(b, a)
	w.must(a.Sees(w.ctx, "b"))
	if got := w.ctl(a, "work", "submit", "cat", "--node", "b", "--tls-client", "own", "-l", "hello", "-f", "--rm"); !strings.HasPrefix(got, "hello\n") {
		t.Errorf("cat: %q", got)
	}
}

// The foreign program is as strict as ours, and as friendly, at either end.
func TestMeshTLSWithThePeer(t *testing.T) {
	t.Parallel()
	peer := peerProgram(t)
	for name, programs := range map[string][2]string{
		"ours connects": {programs.Receptor, peer}, "theirs connects": {peer, programs.Receptor},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			a, _, _ := w.secured(programs)
			for service, client := range map[string]string{"mutual": "own", "pinned": "own", "simple": "none", "control": ""} {
				if err := w.reaches(a, "b", service, client); err != nil {
					t.Errorf("%s as %q: %v", service, client, err)
				}
			}
			for _, c := range [][2]string{{"mutual", ""}, {"mutual", "none"}, {"mutual", "another"}, {"mutual", "stranger"}, {"mutual", "doubter"}, {"control", "own"}} {
				err := w.reaches(a, "b", c[0], c[1])
				if err == nil {
					t.Errorf("%s as %q is let in", c[0], c[1])
				}
				t.Logf("%s as %q: %v", c[0], c[1], err)
			}
		})
	}
}
