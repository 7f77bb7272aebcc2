package blackbox

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"receptor/test/blackbox/harness"
)

// linked is two nodes: a dials b.
func (w *world) linked(programs [2]string, ofA, ofB []string) (a, b *harness.Node) {
	w.t.Helper()
	port := w.port()
	b = w.Node(programs[1], "b", harness.Join(harness.Listener(port), ofB)...)
	a = w.Node(programs[0], "a", harness.Join(harness.Peer(port), ofA)...)
	for _, n := range []*harness.Node{a, b} {
		n.Foreign = !isOurs(n)
	}
	w.up(b, a)
	w.must(a.Sees(w.ctx, "b"))
	w.must(b.Sees(w.ctx, "a"))
	return a, b
}

func ours() [2]string { return [2]string{programs.Receptor, programs.Receptor} }

func unixServer(file, node, service string, more ...string) []string {
	return harness.Join([]string{"--unix-socket-server", "filename=" + file, "remotenode=" + node, "remoteservice=" + service}, more)
}

func unixClient(service, file string, more ...string) []string {
	return harness.Join([]string{"--unix-socket-client", "service=" + service, "filename=" + file}, more)
}

// way is an entrance to the mesh and the exit that its clients are led to.
type way struct {
	network, addr string
	enter, leave  []string // arguments of the nodes
}

// ways are one proxy of each kind, led to the same kind of server.
func (w *world) ways(answer func(net.Conn) error) []way {
	w.t.Helper()
	port, file := w.port(), filepath.Join(w.Dir, "enter.sock")
	tcp := w.serve("tcp4", "127.0.0.1:0", answer)
	unix := w.serve("unix", filepath.Join(w.Dir, "leave.sock"), answer)
	return []way{
		{"tcp4", local(port), tcpServer(port, "b", "tcp"), tcpClient("tcp", tcp.port())},
		{"unix", file, unixServer(file, "b", "unix"), unixClient("unix", unix.Addr().String())},
	}
}

// A client that ends its input and waits, as `printf x | nc` does, gets the whole
// answer.
func TestProxiesKeepHalfClose(t *testing.T) {
	halfClosesOver(t, ours())
}

// The foreign program closes fully towards a server it is led to, but not towards
// its own clients.
func TestProxiesKeepHalfCloseOfTheirClients(t *testing.T) {
	halfClosesOver(t, [2]string{peerProgram(t), programs.Receptor})
}

func halfClosesOver(t *testing.T, programs [2]string) {
	w := newWorld(t)
	ways := w.ways(answerWhole)
	w.linked(programs, harness.Join(ways[0].enter, ways[1].enter), harness.Join(ways[0].leave, ways[1].leave))
	for _, way := range ways {
		w.asksWhole(w.dial(way.network, way.addr), "x")
		w.asksWhole(w.dial(way.network, way.addr), strings.Repeat("a longer question ", 1<<15))
	}
	first, second := w.dial(ways[0].network, ways[0].addr), w.dial(ways[0].network, ways[0].addr)
	w.asksWhole(second, "overtakes")
	w.asksWhole(first, "waits")
}

// Both programs at either end, and both kinds of proxies.
func TestProxiesWithThePeer(t *testing.T) {
	t.Parallel()
	peer := peerProgram(t)
	for name, programs := range map[string][2]string{
		"theirs to ours": {peer, programs.Receptor}, "ours to theirs": {programs.Receptor, peer},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			ways := w.ways(store)
			w.linked(programs, harness.Join(ways[0].enter, ways[1].enter), harness.Join(ways[0].leave, ways[1].leave))
			for _, way := range ways {
				w.carries(w.dial(way.network, way.addr), 5<<20)
			}
		})
	}
}

// TLS on all three stretches: client to proxy, through the mesh, proxy to server.
func TestProxiesWithTLSAllTheWay(t *testing.T) {
	w := newWorld(t)
	ca := w.authority("authority")
	ofA, ofB := w.issue(ca, "a", of("a")), w.issue(ca, "b", of("b"))
	entry, inner := w.port(), w.port()
	far := w.serve("tcp4", "127.0.0.1:0", store)
	// b's service leads to a port of its own that unwraps TLS: the server outside.
	w.linked(ours(), harness.Join(
		tlsServer("door", ofA), presenting(ca, ofA), tcpServer(entry, "b", "store", "tlsserver=door", "tlsclient=links"),
	), harness.Join(
		tlsServer("mesh", ofB, "clientcas="+ca.cert, "requireclientcert=true"), tlsServer("wrap", ofB), trusting(ca),
		[]string{"--tcp-client", "service=store", "address=localhost:" + strconv.Itoa(inner), "tlsserver=mesh", "tlsclient=links"},
		tcpClient("plain", far.port()), tcpServer(inner, "b", "plain", "tlsserver=wrap"),
	))
	w.carries(w.dialTLS(entry, w.believing(ca)), 1<<20)
}

func TestUDPProxies(t *testing.T) {
	datagramsOver(t, ours())
}

func TestUDPProxiesWithThePeer(t *testing.T) {
	t.Parallel()
	peer := peerProgram(t)
	t.Run("theirs to ours", func(t *testing.T) { datagramsOver(t, [2]string{peer, programs.Receptor}) })
	t.Run("ours to theirs", func(t *testing.T) { datagramsOver(t, [2]string{programs.Receptor, peer}) })
}

func udpServer(port int, node, service string) []string {
	return []string{"--udp-server", "bindaddr=127.0.0.1", fmt.Sprint("port=", port), "remotenode=" + node, "remoteservice=" + service}
}

func udpClient(service, addr string) []string {
	return []string{"--udp-client", "service=" + service, "address=" + addr}
}

func datagramsOver(t *testing.T, programs [2]string) {
	w := newWorld(t)
	entry := w.port()
	far := w.echo()
	w.linked(programs, udpServer(entry, "b", "echo"), udpClient("echo", far.LocalAddr().String()))
	// Two clients: each gets its own answers.
	first, second := w.dial("udp4", local(entry)), w.dial("udp4", local(entry))
	defer first.Close()
	defer second.Close()
	for _, size := range []int{1, 1200, 9000, 60000} {
		w.echoes(first, bytes.Repeat([]byte{1}, size))
		w.echoes(second, bytes.Repeat([]byte{2}, size))
	}
}

// echo is a UDP server that sends back what it gets.
func (w *world) echo() *net.UDPConn {
	w.t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	w.must(err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 1<<16)
		for {
			n, addr, err := conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				return // closed: the test is over
			}
			if _, err := conn.WriteToUDPAddrPort(buf[:n], addr); err != nil {
				w.t.Logf("echo: %v", err)
			}
		}
	}()
	w.t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			w.t.Error(err)
		}
		<-done
	})
	return conn
}

// tryAgain is when a datagram without an answer counts as lost.
const tryAgain = time.Second

// echoes sends a datagram until it comes back: datagrams may be lost.
func (w *world) echoes(conn net.Conn, content []byte) {
	w.t.Helper()
	buf := make([]byte, 1<<16)
	w.must(harness.Until(w.ctx, fmt.Sprintf("an echo of %d bytes", len(content)), func() error {
		if _, err := conn.Write(content); err != nil {
			return err
		}
		if err := conn.SetReadDeadline(time.Now().Add(tryAgain)); err != nil {
			return err
		}
		for {
			n, err := conn.Read(buf)
			if err != nil {
				return err
			}
			if bytes.Equal(buf[:n], content) {
				return nil
			}
		}
	}))
}

// A proxy whose far end is missing closes at once, and the log says why.
func TestMissingFarEnds(t *testing.T) {
	w := newWorld(t)
	toClosed, toNoService, toNoNode, nobody := w.port(), w.port(), w.port(), w.port()
	missing := filepath.Join(w.Dir, "missing.sock")
	enter := filepath.Join(w.Dir, "enter.sock")
	a, b := w.linked(ours(), harness.Join(
		tcpServer(toClosed, "b", "closed"), tcpServer(toNoService, "b", "nothing"), tcpServer(toNoNode, "nowhere", "x"),
		unixServer(enter, "b", "missing"), unixServer(enter+"2", "nowhere", "x"),
	), harness.Join(tcpClient("closed", nobody), unixClient("missing", missing)))
	for _, c := range []struct {
		network, addr string
		told          *harness.Node // whose log says why
		wants         []string
	}{
		{"tcp4", local(toClosed), b, []string{"WARNING", local(nobody), "connection refused"}},
		{"tcp4", local(toNoService), a, []string{"WARNING", "b:nothing", "unknown"}},
		{"tcp4", local(toNoNode), a, []string{"WARNING", "nowhere:x", "no route to node"}},
		{"unix", enter, b, []string{"WARNING", missing, "no such file or directory"}},
		{"unix", enter + "2", a, []string{"WARNING", "nowhere:x", "no route to node"}},
	} {
		w.endsAtOnce(w.dial(c.network, c.addr), c.addr)
		w.logLineHas(c.told, c.wants...)
	}
}

// endsAtOnce wants a connection to be closed from the other side.
func (w *world) endsAtOnce(conn net.Conn, what string) {
	w.t.Helper()
	defer conn.Close()
	start := time.Now()
	text, err := io.ReadAll(conn)
	if took := time.Since(start); took > atOnce || len(text) > 0 || err != nil && !hungUp(err) {
		w.t.Errorf("%s: %q, %v after %v", what, text, err, took)
	}
}

// The far end is missing at the foreign node, or at ours seen from there.
func TestMissingFarEndsBesideThePeer(t *testing.T) {
	w := newWorld(t)
	entry, nobody := w.port(), w.port()
	_, b := w.linked([2]string{peerProgram(t), programs.Receptor}, tcpServer(entry, "b", "closed"), tcpClient("closed", nobody))
	conn := w.dial("tcp4", local(entry))
	_, err := conn.Write([]byte("hello")) // the foreign dialer opens the stream at once, we hear of it now
	w.must(err)
	w.endsAtOnce(conn, "closed")
	w.logLineHas(b, "WARNING", local(nobody), "connection refused")
}

// Services are advertised with what they lead to.
func TestServicesAreAdvertised(t *testing.T) {
	w := newWorld(t)
	a, b := w.linked(ours(), nil, harness.Join(tcpClient("tcp", 1), udpClient("udp", local(2)), unixClient("unix", "/no/such"),
		commandService("shell", "cat")))
	want := map[string]string{"tcp": "TCP Proxy", "udp": "UDP Proxy", "unix": "Unix Proxy", "shell": "Command Service"}
	for _, n := range []*harness.Node{a, b} {
		w.must(harness.Until(w.ctx, "services of b at "+n.ID, func() error {
			s, err := n.Status(w.ctx)
			if err != nil {
				return err
			}
			found := map[string]string{}
			for _, ad := range s.Advertisements {
				found[ad.Service] = ad.Tags["type"]
			}
			for service, kind := range want {
				if found[service] != kind {
					return fmt.Errorf("%s is %q, want %q", service, found[service], kind)
				}
			}
			return nil
		}))
	}
}

// Services whose sockets can't be had are errors of the start.
func TestServiceErrorsAtTheStart(t *testing.T) {
	w := newWorld(t)
	taken := w.serve("tcp4", "127.0.0.1:0", store)
	takenUDP := w.echo().LocalAddr().(*net.UDPAddr).Port
	folder := filepath.Join(w.Dir, "folder")
	w.must(os.Mkdir(folder, 0o700))
	for name, c := range map[string]struct {
		args []string
		want []string
	}{
		"TCP port in use":        {tcpServer(taken.port(), "b", "x"), []string{"error listening on TCP", "address already in use"}},
		"UDP port in use":        {udpServer(takenUDP, "b", "x"), []string{"error listening on UDP", "address already in use"}},
		"folder as a socket":     {unixServer(folder, "b", "x"), []string{folder, "not a socket"}},
		"long service name":      {tcpClient("much-too-long", 1), []string{"much-too-long", "too long"}},
		"service name twice":     {harness.Join(tcpClient("x", 1), unixClient("x", "y")), []string{"x", "is already listening"}},
		"address without a port": {[]string{"--tcp-client", "service=x", "address=foo"}, []string{"address foo: missing port in address"}},
		"UDP address":            {udpClient("x", "foo"), []string{"could not resolve UDP address foo"}},
		"unclosed quote":         {commandService("x", "sh 'x"), []string{"could not split sh 'x"}},
	} {
		t.Run(name, func(t *testing.T) {
			w.in(t).refuses(c.want, harness.Join([]string{"--node", "id=foo", "datadir=" + w.Dir, "--local-only"}, c.args)...)
		})
	}
}
