package blackbox

import (
	"fmt"
	"slices"
	"testing"

	"receptor/test/blackbox/harness"
)

// backend is one way to carry a link, as the arguments of both its ends.
type backend struct {
	name   string
	secure security
	scheme string // of the listener's and the peer's action
	path   string // of a WebSocket
}

type security int

const (
	plain security = iota
	withTLS
	mutualTLS
)

func (s security) String() string { return [...]string{"plain", "TLS", "mutual TLS"}[s] }

var backends = []backend{
	{name: "TCP", scheme: "tcp"},
	{name: "TCP", scheme: "tcp", secure: withTLS},
	{name: "TCP", scheme: "tcp", secure: mutualTLS},
	{name: "UDP", scheme: "udp"},
	{name: "WebSocket", scheme: "ws", path: "/mesh"},
	{name: "WebSocket", scheme: "ws", path: "/mesh", secure: withTLS},
	{name: "WebSocket", scheme: "ws", path: "/", secure: mutualTLS},
}

func (b backend) String() string { return fmt.Sprintf("%s %v", b.name, b.secure) }

// listener are the arguments of the end that accepts.
func (b backend) listener(port int, more ...string) []string {
	args := []string{"--" + b.scheme + "-listener", "bindaddr=127.0.0.1", fmt.Sprint("port=", port)}
	if b.path != "" {
		args = append(args, "path="+b.path)
	}
	if b.secure != plain {
		args = append(args, "tls=links")
	}
	return append(args, more...)
}

// peer are the arguments of the end that dials.
func (b backend) peer(port int, more ...string) []string {
	return b.peerAt(local(port), more...)
}

func (b backend) peerAt(addr string, more ...string) []string {
	if b.scheme == "ws" {
		scheme := "ws://"
		if b.secure != plain {
			scheme = "wss://"
		}
		addr = scheme + addr + b.path
	}
	args := []string{"--" + b.scheme + "-peer", "address=" + addr}
	if b.secure != plain {
		args = append(args, "tls=links")
	}
	return append(args, more...)
}

// credentials are the TLS configurations of both ends, called links. Those of a
// mutual link also pin each other's certificate; those of another have an RSA key.
func (w *world) credentials(b backend, dials, accepts string) (client, server []string) {
	w.t.Helper()
	if b.secure == plain {
		return nil, nil
	}
	ca := w.authority("authority")
	ofListener := of(accepts)
	ofListener.rsa = b.secure == withTLS
	of1, of2 := w.issue(ca, dials, of(dials)), w.issue(ca, accepts, ofListener)
	if b.secure == withTLS {
		return tlsClient("links", pair{}, "rootcas="+ca.cert), tlsServer("links", of2)
	}
	short, _ := w.pins(of2.cert)
	_, long := w.pins(of1.cert)
	client = tlsClient("links", of1, "rootcas="+ca.cert, "pinnedservercert="+short)
	server = tlsServer("links", of2, "clientcas="+ca.cert, "requireclientcert=true", "pinnedclientcert="+long)
	return client, server
}

func tlsServer(name string, own pair, more ...string) []string {
	return append([]string{"--tls-server", "name=" + name, "cert=" + own.cert, "key=" + own.key}, more...)
}

func tlsClient(name string, own pair, more ...string) []string {
	return append([]string{"--tls-client", "name=" + name, "cert=" + own.cert, "key=" + own.key}, more...)
}

// linkOf starts two nodes and waits for the link between them.
func (w *world) linkOf(b backend, programs [2]string, args [2][]string) (dials, accepts *harness.Node) {
	w.t.Helper()
	port := w.port()
	client, server := w.credentials(b, "dials", "accepts")
	dials = w.Node(programs[0], "dials", harness.Join(client, b.peer(port), args[0])...)
	accepts = w.Node(programs[1], "accepts", harness.Join(server, b.listener(port), args[1])...)
	for _, n := range []*harness.Node{dials, accepts} {
		n.Foreign = !isOurs(n)
	}
	w.up(accepts, dials)
	w.must(dials.Sees(w.ctx, accepts.ID))
	w.must(accepts.Sees(w.ctx, dials.ID))
	return dials, accepts
}

func isOurs(n *harness.Node) bool { return n.Program == programs.Receptor }

// transfer is what each link carries there, and back.
const transfer = 50 << 20

func TestBackends(t *testing.T) {
	t.Parallel()
	ours := programs.Receptor
	for _, b := range backends {
		t.Run(b.String(), func(t *testing.T) {
			everythingOver(t, b, [2]string{ours, ours})
		})
	}
}

func TestBackendsOursDialsTheirs(t *testing.T) {
	t.Parallel()
	peer := peerProgram(t)
	for _, b := range backends {
		t.Run(b.String(), func(t *testing.T) {
			everythingOver(t, b, [2]string{programs.Receptor, peer})
		})
	}
}

func TestBackendsTheirsDialsOurs(t *testing.T) {
	t.Parallel()
	peer := peerProgram(t)
	for _, b := range backends {
		t.Run(b.String(), func(t *testing.T) {
			everythingOver(t, b, [2]string{peer, programs.Receptor})
		})
	}
}

// everythingOver does over one link what users do: in both directions, and with
// the proxy's server at the dialling end.
func everythingOver(t *testing.T, b backend, programs [2]string) {
	w := newWorld(t)
	entry := w.port()
	far := w.serve("tcp4", "127.0.0.1:0", store)
	dials, accepts := w.linkOf(b, programs, [2][]string{
		tcpServer(entry, "accepts", "store"), tcpClient("store", far.port()),
	})
	for _, way := range [][2]*harness.Node{{dials, accepts}, {accepts, dials}} {
		from, to := way[0], way[1]
		w.pings(from, to.ID)
		w.tracesNeighbour(from, to.ID)
		w.connects(from, to.ID)
	}
	w.carries(w.dial("tcp4", local(entry)), transfer)
	for _, n := range []*harness.Node{dials, accepts} {
		if isOurs(n) {
			w.logCounts(n, "Connection established", 1)
		}
	}
}

func (w *world) tracesNeighbour(from *harness.Node, to string) {
	w.t.Helper()
	if way, want := w.trace(from, to), []string{from.ID, to}; !slices.Equal(way, want) {
		w.t.Errorf("traceroute %s from %s: %v, want %v", to, from.ID, way, want)
	}
}
