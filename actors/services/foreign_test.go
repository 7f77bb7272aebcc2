package services

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"receptor/actors/links"
	"receptor/actors/router"
	"receptor/actors/services/internal/netns"
	"receptor/actors/supervise"
	"receptor/test/foreign"
	"receptor/test/probe"
	"receptor/transport"
	"receptor/transport/mem"
	"receptor/transport/mesh"
	"receptor/transport/tcp"
	"receptor/transport/unixsock"
)

// freePort is a port of loopback that was free a moment ago.
func freePort(t *testing.T, network string) string {
	t.Helper()
	var addr net.Addr
	if network == "udp" {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		addr = c.LocalAddr()
	} else {
		l := listenTCP(t)
		defer l.Close()
		addr = l.Addr()
	}
	_, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

const echoed = 1 << 20

// unixEcho answers while it is still being asked, and closes when it has echoed
// enough.
func unixEcho(t *testing.T) (path string, stop func()) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "echo")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	done.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			done.Go(func() {
				defer c.Close()
				_, _ = io.CopyN(c, c, echoed) // the test compares what comes back
			})
		}
	})
	return path, func() {
		l.Close()
		done.Wait()
	}
}

// TestProxiesOfAnExistingNode joins each of our proxies with its counterpart.
func TestProxiesOfAnExistingNode(t *testing.T) {
	dir := t.TempDir()
	port, theirUDP := freePort(t, "tcp"), freePort(t, "udp")
	theirUnix := filepath.Join(dir, "theirs")
	ourUnix := filepath.Join(dir, "ours")
	far, end := unixEcho(t)
	defer end()
	echo, endEcho := udpEcho(t, "127.0.0.1:0")
	defer endEcho()
	foreign.Start(t, "theirs", "--tcp-listener", "bindaddr=127.0.0.1", "port="+port,
		"--udp-client", "service=tudp", "address="+echo,
		"--udp-server", "bindaddr=127.0.0.1", "port="+theirUDP, "remotenode=ours", "remoteservice=oudp",
		"--unix-socket-client", "service=tunix", "filename="+far,
		"--unix-socket-server", "filename="+theirUnix, "remotenode=ours", "remoteservice=ocmd",
		"--command-service", "service=tcmd", "command=echo from theirs")

	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		plane := mesh.New(mesh.Config{NodeID: "ours"})
		quiet := s.Log().Level(zerolog.WarnLevel)
		routing := s.Spawn(supervise.Spec{Name: "router", Kind: "router", New: router.New(router.Config{
			NodeID: "ours", Log: quiet, Epoch: 1 << 50, Plane: plane,
		})})
		dialer, err := tcp.NewDialer("127.0.0.1:" + port)
		if err != nil {
			t.Fatal(err)
		}
		s.Spawn(supervise.Spec{Name: "links", Kind: "supervisor", Supervises: true, New: links.New(links.Config{
			NodeID: "ours", Log: quiet, Router: routing, Plane: plane,
			Wanted: supervise.NewLive(links.Wanted{Backends: []links.Backend{{Name: dialer.Name(), Dialer: dialer, Redial: true, AnyPeer: true}}}),
		})})
		n := network(s, plane)
		cfg, near := udpServer(t, plane)
		cfg.Router, cfg.Dial = routing, n.DialEarly
		cfg.Wanted.Load().UDPServers[0].RemoteNode, cfg.Wanted.Load().UDPServers[0].RemoteService = "theirs", "tudp"
		set := cfg.Wanted.Load()
		set.UDPClients = []UDPClient{{Service: "oudp", Binding: ListenDatagrams(plane, "oudp"), Addr: echo}}
		for i, service := range []string{"tunix", "tcmd"} {
			path := fmt.Sprint(ourUnix, i)
			set.UnixServers = append(set.UnixServers, UnixServer{
				Path: path, Binding: unixsock.Listen(path, 0o600), RemoteNode: "theirs", RemoteService: service,
			})
		}
		set.Commands = []Command{{Service: "ocmd", Binding: meshBinding(n, "ocmd"), Argv: []string{"echo", "from ours"}}}
		cfg.Wanted.Store(set)
		spawnWith(s, &journal{}, "services", cfg)

		eventually(t, func() bool { return plane.HasRoute("theirs") })
		answered(t, udpDial(t, near), "to theirs and back")
		answered(t, udpDial(t, "127.0.0.1:"+theirUDP), "to ours and back")

		// The end of input would be the end of their answer, too.
		sent, got := make([]byte, echoed), make([]byte, echoed)
		rand.Read(sent)
		c := unixDial(t, ourUnix+"0")
		go func() {
			if _, err := c.Write(sent); err != nil {
				t.Errorf("write: %v", err)
			}
		}()
		if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, sent) {
			t.Errorf("another answer, %v", err)
		}
		for path, want := range map[string]string{ourUnix + "1": "from theirs", theirUnix: "from ours"} {
			c := unixDial(t, path)
			got := make([]byte, 100)
			size, err := c.Read(got)
			if err != nil || !strings.HasPrefix(string(got[:size]), want) {
				t.Errorf("%q, %v, want %s", got[:size], err, want)
			}
		}
	})
}

// TestIPRouterOfAnExistingNode has the peer in a namespace of its own. The link's
// listener is in there, too.
func TestIPRouterOfAnExistingNode(t *testing.T) {
	wires := netns.New(t)
	binding := transport.NewBinding(func() (l transport.Listener, err error) {
		err = wires.Enter(func() (err error) {
			l, err = tcp.Bind("127.0.0.1:0").Open()
			return err
		})
		return l, err
	})
	l, err := binding.Prepare()
	if err != nil {
		t.Fatal(err)
	}
	foreign.StartIn(t, wires.Enter, "theirs", "--tcp-peer", "address="+l.Addr(),
		"--ip-router", "networkname=net", "localnet=10.77.0.4/30", "routes=10.88.0.0/24")
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		a := newSite(t, s, mem.NewNetwork(), "ours")
		s.Spawn(supervise.Spec{Name: "links", Kind: "supervisor", Supervises: true, New: links.New(links.Config{
			NodeID: "ours", Log: s.Log().Level(zerolog.WarnLevel), Router: a.router, Plane: a.plane,
			Wanted: supervise.NewLive(links.Wanted{Backends: []links.Backend{{Name: "tcp-listener", Binding: binding, AnyPeer: true}}}),
		})})
		a.route(t, s, IPRouterText{Interface: "mesh0", LocalNet: "10.77.0.0/30"})
		a.awaitRoutes(t, "10.77.0.4/30", "10.88.0.0/24")
		theirs := &site{ns: wires}
		wires.AddAddress(t, "10.88.0.1/24")
		for deadline := time.Now().Add(3 * patience); !theirs.knows(t, "10.77.0.0/30"); time.Sleep(50 * time.Millisecond) {
			if time.Now().After(deadline) { // it looks every 10 s
				t.Fatal("the existing node did not learn our network")
			}
		}
		a.ping(t, "10.77.0.5")
		a.exchange(t, theirs, "10.88.0.1")
		theirs.exchange(t, a, "10.77.0.1")
	})
}

// knows reports whether any interface leads to a network.
func (n *site) knows(t *testing.T, network string) (found bool) {
	t.Helper()
	n.ns.Do(t, func() error {
		routes, err := netlink.RouteList(nil, unix.AF_INET)
		for _, r := range routes {
			found = found || r.Dst != nil && r.Dst.String() == network
		}
		return err
	})
	return found
}
