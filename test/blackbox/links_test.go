package blackbox

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"receptor/test/blackbox/harness"
)

var plainBackends = []backend{
	{name: "TCP", scheme: "tcp"}, {name: "UDP", scheme: "udp"}, {name: "WebSocket", scheme: "ws", path: "/"},
}

// The cost of a link is the listener's, but for nodes that it names.
func TestCostsOfLinks(t *testing.T) {
	t.Parallel()
	for _, b := range plainBackends {
		t.Run(b.name, func(t *testing.T) {
			w := newWorld(t)
			port := w.port()
			hub := w.node("hub", b.listener(port, "cost=2.5", `nodecost={"dear":7.25}`))
			cheap, dear := w.node("cheap", b.peer(port, "cost=2.5")), w.node("dear", b.peer(port, "cost=7.25"))
			w.up(hub, cheap, dear)
			w.must(cheap.Sees(w.ctx, "hub", "dear"))
			s, err := hub.Status(w.ctx)
			w.must(err)
			for _, c := range s.Connections {
				if want := map[string]float64{"cheap": 2.5, "dear": 7.25}[c.NodeID]; c.Cost != want {
					t.Errorf("the link to %s costs %v, want %v", c.NodeID, c.Cost, want)
				}
			}
			if len(s.Connections) != 2 {
				t.Errorf("connections %v", s.Connections)
			}
		})
	}
}

// Who is not wanted is told so, and both logs say why.
func TestLinksThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, b := range plainBackends {
		for _, c := range []struct {
			name         string
			dialer, hub  []string // of the backend
			id           string
			atHub, atOwn []string
		}{
			{
				"not allowed", nil, []string{"allowedpeers=x", "allowedpeers=y"}, "a",
				[]string{"rejected connection with node a because it is not in the allowed peers list"},
				[]string{"Received a rejection message from peer"},
			},
			{
				"nobody is allowed", nil, []string{"allowedpeers="}, "a",
				[]string{"rejected connection with node a because it is not in the allowed peers list"}, nil,
			},
			{
				"hub is not allowed", []string{"allowedpeers=x"}, nil, "a",
				[]string{"Received a rejection message from peer"},
				[]string{"rejected connection with node hub because it is not in the allowed peers list"},
			},
			{
				"own ID", nil, nil, "hub",
				[]string{"it tried to connect using our own node ID"}, nil,
			},
		} {
			t.Run(b.name+" "+c.name, func(t *testing.T) {
				w := newWorld(t)
				port := w.port()
				hub := w.node("hub", b.listener(port, c.hub...))
				a := w.node("a", b.peer(port, c.dialer...))
				a.ID, a.DataDir = c.id, filepath.Join(w.Dir, "own")
				w.up(hub, a)
				w.logLineHas(hub, c.atHub...)
				w.logLineHas(a, c.atOwn...)
				// Where only the other side says no, the hub has a link until it hears of it.
				w.must(harness.Until(w.ctx, "no routes", func() error {
					s, err := hub.Status(w.ctx)
					if err == nil && len(s.RoutingTable) > 0 {
						err = fmt.Errorf("routes %v", s.RoutingTable)
					}
					return err
				}))
			})
		}
	}
}

// Of two nodes that disagree about the cost the one that hears of it first rejects
// the other.
func TestLinksWithoutAgreementOnTheCost(t *testing.T) {
	t.Parallel()
	for _, b := range plainBackends {
		t.Run(b.name, func(t *testing.T) {
			w := newWorld(t)
			port := w.port()
			hub, a := w.node("hub", b.listener(port, "cost=3")), w.node("a", b.peer(port, "cost=2"))
			w.up(hub, a)
			w.must(harness.Until(w.ctx, "a rejection", func() error {
				if w.logged(hub, "node a because we disagree about the connection cost")+
					w.logged(a, "node hub because we disagree about the connection cost") == 0 {
					return errors.New(hub.LogTail() + "\n" + a.LogTail())
				}
				return nil
			}))
		})
	}
}

// A WebSocket peer asks for what it was told to, and says what came instead.
func TestWebSocketRequest(t *testing.T) {
	w := newWorld(t)
	asked := make(chan *http.Request, 10)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	w.must(err)
	server := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		select {
		case asked <- r:
		default:
		}
		http.Error(rw, "no mesh here", http.StatusTeapot)
	})}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	host := l.Addr().String()
	foo := w.node("foo", []string{"--ws-peer", "address=ws://" + host + "/some/path?key=value", "extraheader=X-Token: a:b"})
	w.up(foo)
	r := <-asked
	if r.Host != host || r.URL.String() != "/some/path?key=value" || r.Header.Get("X-Token") != "a:b" || r.Header.Get("Origin") != "http://"+host {
		t.Errorf("%s%s %v", r.Host, r.URL, r.Header)
	}
	w.logLineHas(foo, "WARNING", "Backend connection failed (will retry)", "418")
}

// Strangers at a WebSocket port are shown out with the status that fits.
func TestStrangersAtAWebSocketPort(t *testing.T) {
	w := newWorld(t)
	port := w.port()
	hub := w.node("hub", []string{"--ws-listener", "bindaddr=127.0.0.1", fmt.Sprint("port=", port), "path=/mesh", "--log-level", "debug"})
	lost := w.node("lost", []string{"--ws-peer", fmt.Sprintf("address=ws://127.0.0.1:%d/elsewhere", port)})
	found := w.node("found", []string{"--ws-peer", fmt.Sprintf("address=ws://127.0.0.1:%d/mesh", port), "--log-level", "debug"})
	w.up(hub, lost, found)
	w.must(found.Sees(w.ctx, "hub"))
	w.logLineHas(lost, "WARNING", "Backend connection failed (will retry)", "404")
	w.logLineHas(hub, "/elsewhere")
	w.logLineHas(hub, "DEBUG", fmt.Sprintf("Listening on Websocket 127.0.0.1:%d path /mesh", port))
	w.logLineHas(found, "DEBUG", fmt.Sprintf("Running Websocket peer connection ws://127.0.0.1:%d/mesh", port))
	upgrade := http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="},
	}
	for _, c := range []struct {
		path, origin string
		header       http.Header
		want         int
	}{
		{"/mesh", "http://evil.example", upgrade, http.StatusForbidden},
		{"/meshes", "", upgrade, http.StatusNotFound},
		{"/mesh", "", nil, http.StatusUpgradeRequired},
	} {
		r, err := http.NewRequestWithContext(w.ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d%s", port, c.path), nil)
		w.must(err)
		for key, values := range c.header {
			r.Header[key] = values
		}
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		answer, err := http.DefaultTransport.RoundTrip(r)
		w.must(err)
		w.must(answer.Body.Close())
		if answer.StatusCode != c.want {
			t.Errorf("%s from %q: %s", c.path, c.origin, answer.Status)
		}
	}
	if s, err := hub.Status(w.ctx); err != nil || len(s.Connections) != 1 {
		t.Errorf("connections %v, %v", s.Connections, err)
	}
}

func TestLinksOverIPv6(t *testing.T) {
	t.Parallel()
	if l, err := net.Listen("tcp6", "[::1]:0"); err != nil {
		t.Skipf("this machine has no IPv6: %v", err)
	} else if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, b := range backends {
		t.Run(b.String(), func(t *testing.T) {
			w := newWorld(t)
			entry, port := w.port(), w.port()
			far := w.serve("tcp6", "[::1]:0", store)
			client, server := w.credentials(b, "dials", "accepts")
			bind := []string{"bindaddr=::1", "bindaddr=[::1]"}[port%2] // both ways to write it
			accepts := w.node("accepts", server, b.listener(port, bind),
				[]string{"--tcp-client", "service=store", "address=" + far.Addr().String()})
			dials := w.node("dials", client, b.peerAt(fmt.Sprintf("[::1]:%d", port)),
				tcpServer(entry, "accepts", "store", "bindaddr=::1"))
			w.up(accepts, dials)
			w.must(dials.Sees(w.ctx, "accepts"))
			w.pings(dials, "accepts")
			w.carries(w.dial("tcp6", fmt.Sprintf("[::1]:%d", entry)), 1<<20)
		})
	}
}

// A datagram that fits into no frame of the link is refused with the reason; the
// link and what fits go on.
func TestOversizedDatagrams(t *testing.T) {
	t.Parallel()
	for _, b := range plainBackends {
		t.Run(b.name, func(t *testing.T) {
			w := newWorld(t)
			entry := w.port()
			dials, accepts := w.linkOf(b, ours(), [2][]string{
				udpServer(entry, "accepts", "echo"), udpClient("echo", w.echo().LocalAddr().String()),
			})
			conn := w.dial("udp4", local(entry))
			defer conn.Close()
			w.echoes(conn, make([]byte, 100))
			_, err := conn.Write(make([]byte, 65507))
			w.must(err)
			w.logLineHas(dials, "too large")
			w.echoes(conn, make([]byte, 60000))
			for _, n := range []*harness.Node{dials, accepts} {
				w.logCounts(n, "Connection established", 1)
			}
		})
	}
}

// kill -9 of a neighbour is noticed by every backend, and mended when it is back.
func TestKilledNeighbourComesBack(t *testing.T) {
	t.Parallel()
	for _, b := range plainBackends {
		t.Run(b.name, func(t *testing.T) {
			w := newWorld(t)
			dials, accepts := w.linkOf(b, ours(), [2][]string{})
			for _, n := range []*harness.Node{accepts, dials} {
				w.must(n.Kill())
				w.must(n.Up(w.ctx))
				w.must(dials.Sees(w.ctx, accepts.ID))
				w.must(accepts.Sees(w.ctx, dials.ID))
				w.answers(dials, accepts.ID)
				w.answers(accepts, dials.ID)
			}
		})
	}
}

// answers pings until there is an answer: after a crash a route may still lead into
// the void.
func (w *world) answers(from *harness.Node, to string) {
	w.t.Helper()
	w.must(harness.Until(w.ctx, fmt.Sprintf("%s to answer %s", to, from.ID), func() error {
		text, err := from.Ask(w.ctx, "ping "+to)
		if err == nil && !strings.Contains(text, `"Success":true`) {
			err = errors.New(text)
		}
		return err
	}))
}

// Two nodes that dial each other, at the same moment, settle on one link.
func TestMutualDialling(t *testing.T) {
	t.Parallel()
	for _, b := range plainBackends {
		t.Run(b.name, func(t *testing.T) {
			w := newWorld(t)
			portOfA, portOfB, entry := w.port(), w.port(), w.port()
			far := w.serve("tcp4", "127.0.0.1:0", store)
			a := w.node("a", b.listener(portOfA), b.peer(portOfB), tcpServer(entry, "b", "store"))
			other := w.node("b", b.listener(portOfB), b.peer(portOfA), tcpClient("store", far.port()))
			w.must(a.Start())
			w.must(other.Start())
			w.must(a.Ready(w.ctx))
			w.must(other.Ready(w.ctx))
			w.must(a.Sees(w.ctx, "b"))
			w.must(other.Sees(w.ctx, "a"))
			w.carries(w.dial("tcp4", local(entry)), 5<<20)
			before := w.logged(a, "Connection established") + w.logged(other, "Connection established")
			w.logLineHas(a, "node ID we are already connected to")
			w.logLineHas(other, "node ID we are already connected to")
			w.carries(w.dial("tcp4", local(entry)), transfer)
			if after := w.logged(a, "Connection established") + w.logged(other, "Connection established"); after != before {
				t.Errorf("%d links came about, and %d more later: they don't settle", before, after-before)
			}
		})
	}
}

// A peer that is not to be dialled again is tried once.
func TestPeerThatIsDialledOnce(t *testing.T) {
	w := newWorld(t)
	port := w.port()
	foo := w.node("foo", harness.Peer(port), []string{"redial=false"})
	w.up(foo)
	w.logLineHas(foo, "ERROR", "Backend connection failed: dial tcp "+local(port), "connection refused")
	hub := w.node("hub", harness.Listener(port))
	bar := w.node("bar", harness.Peer(port))
	w.up(hub, bar)
	w.must(bar.Sees(w.ctx, "hub"))
	w.logCounts(foo, "dial tcp", 1)
}

// A neighbour that stops in order says so, even where connections have no end: it
// is let in again long before silence would tell that it was gone.
func TestStoppedNeighbourComesBackAtOnce(t *testing.T) {
	t.Parallel()
	for _, b := range plainBackends {
		t.Run(b.name, func(t *testing.T) {
			w := newWorld(t)
			dials, accepts := w.linkOf(b, ours(), [2][]string{})
			for _, n := range []*harness.Node{accepts, dials} {
				start := time.Now()
				w.must(n.Stop(w.ctx))
				w.must(n.Up(w.ctx))
				w.answers(dials, accepts.ID)
				w.answers(accepts, dials.ID)
				if took := time.Since(start); took > 10*time.Second {
					t.Errorf("without %s for %v", n.ID, took)
				}
			}
		})
	}
}
