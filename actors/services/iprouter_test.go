package services

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"
	"github.com/vishvananda/netlink"
	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"

	"receptor/actors/links"
	"receptor/actors/router"
	"receptor/actors/services/internal/netns"
	"receptor/actors/services/tun"
	"receptor/actors/supervise"
	"receptor/test/probe"
	"receptor/transport"
	"receptor/transport/mem"
	"receptor/transport/mesh"
)

// site is a node with an IP router whose device is in a namespace of its own.
type site struct {
	ns       *netns.Namespace
	plane    *mesh.Plane
	router   *actor.PID
	services *actor.PID
	log      *journal
}

// newSite starts a router and its links, which run in memory.
func newSite(t *testing.T, s *probe.Stage, wires *mem.Network, id string, peers ...string) *site {
	t.Helper()
	return newTracedSite(t, s, wires, nil, id, peers...)
}

// newTracedSite tells a tracer of all that passes.
func newTracedSite(
	t *testing.T, s *probe.Stage, wires *mem.Network, tracer mesh.Tracer, id string, peers ...string,
) *site {
	t.Helper()
	quiet := s.Log().Level(zerolog.WarnLevel)
	n := &site{ns: netns.New(t), plane: mesh.New(mesh.Config{NodeID: id, Tracer: tracer}), log: &journal{}}
	n.router = s.Spawn(supervise.Spec{Name: "router-" + id, Kind: "router", New: router.New(router.Config{
		NodeID: id, Log: quiet, Epoch: 1, Plane: n.plane,
	})})
	backends := []links.Backend{{Name: "mem-listener", Binding: wires.Bind(id), AnyPeer: true}}
	for _, peer := range peers {
		d := wires.Dialer(id, peer)
		backends = append(backends, links.Backend{Name: d.Name(), Dialer: d, Redial: true, AnyPeer: true})
	}
	s.Spawn(supervise.Spec{Name: "links-" + id, Kind: "supervisor", Supervises: true, New: links.New(links.Config{
		NodeID: id, Log: quiet, Router: n.router, Plane: n.plane, Wanted: supervise.NewLive(links.Wanted{Backends: backends}),
	})})
	return n
}

// route starts the IP router.
func (n *site) route(t *testing.T, s *probe.Stage, text IPRouterText) {
	t.Helper()
	text.Network = "net"
	cfg, err := NewIPRouter(n.plane, text)
	if err != nil {
		t.Fatal(err)
	}
	here := cfg.Device
	cfg.Device = transport.NewBinding(func() (d *tun.Device, err error) {
		err = n.ns.Enter(func() (err error) {
			d, err = here.Open()
			return err
		})
		return d, err
	})
	if _, err := cfg.Device.Prepare(); err != nil {
		t.Fatal(err)
	}
	n.services = spawnWith(s, n.log, "services-"+n.plane.NodeID(), Config{
		Router: n.router, PollInterval: 50 * time.Millisecond, Wanted: supervise.NewLive(Set{IPRouters: []IPRouter{cfg}}),
	})
}

// routes are those that the IP router has made.
func (n *site) routes(t *testing.T) (list []string) {
	t.Helper()
	n.ns.Do(t, func() error {
		link, err := netlink.LinkByName("mesh0")
		if err != nil {
			return err
		}
		for _, family := range []int{unix.AF_INET, unix.AF_INET6} {
			found, err := netlink.RouteList(link, family)
			if err != nil {
				return err
			}
			for _, r := range found {
				if r.Protocol != unix.RTPROT_KERNEL {
					list = append(list, r.Dst.String())
				}
			}
		}
		return nil
	})
	slices.Sort(list)
	return list
}

// awaitRoutes waits until the kernel has exactly these.
func (n *site) awaitRoutes(t *testing.T, want ...string) {
	t.Helper()
	slices.Sort(want)
	var got []string
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if got = n.routes(t); slices.Equal(got, want) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("routes %v, want %v", got, want)
		}
	}
}

// ping sends an echo request and waits for the reply.
func (n *site) ping(t *testing.T, to string) {
	t.Helper()
	network, kind, protocol := "ip4:icmp", icmp.Type(ipv4.ICMPTypeEcho), 1
	c := n.ns.ListenPacket(t, network, "0.0.0.0")
	defer c.Close()
	payload := bytes.Repeat([]byte("ping"), 300)
	request, err := (&icmp.Message{Type: kind, Body: &icmp.Echo{ID: 7, Seq: 1, Data: payload}}).Marshal(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.WriteTo(request, &net.IPAddr{IP: net.ParseIP(to)}); err != nil {
		t.Fatal(err)
	}
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 2000)
	for {
		size, from, err := c.ReadFrom(buf)
		if err != nil {
			t.Fatalf("ping %s: %v", to, err)
		}
		m, err := icmp.ParseMessage(protocol, buf[:size])
		if err != nil || m.Type != ipv4.ICMPTypeEchoReply {
			continue
		}
		if echo, ok := m.Body.(*icmp.Echo); !ok || !bytes.Equal(echo.Data, payload) || from.String() != to {
			t.Errorf("an odd reply from %s", from)
		}
		return
	}
}

// exchange sends 2 MB over TCP and wants them back after the end of input.
func (n *site) exchange(t *testing.T, far *site, addr string) {
	t.Helper()
	l := far.ns.Listen(t, net.JoinHostPort(addr, "0"))
	defer l.Close()
	served := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			served <- err
			return
		}
		all, err := io.ReadAll(c)
		if err == nil {
			_, err = c.Write(all)
		}
		served <- errors.Join(err, c.Close())
	}()
	sent := make([]byte, 2<<20)
	rand.Read(sent)
	var c net.Conn
	n.ns.Do(t, func() (err error) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		var d net.Dialer
		c, err = d.DialContext(ctx, "tcp", l.Addr().String())
		return err
	})
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(2 * patience)); err != nil {
		t.Fatal(err)
	}
	if got := told(t, c.(*net.TCPConn), sent); !bytes.Equal(got, sent) {
		t.Errorf("%d bytes instead of %d", len(got), len(sent))
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestIPRouterJoinsNetworks(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		wires := mem.NewNetwork()
		a := newSite(t, s, wires, "a")
		newSite(t, s, wires, "relay", "a")
		b := newSite(t, s, wires, "b", "relay")
		a.ns.AddAddress(t, "fd77::1/64")
		b.ns.AddAddress(t, "10.88.0.1/24")
		b.ns.AddAddress(t, "fd88::1/64")
		a.route(t, s, IPRouterText{Interface: "mesh0", LocalNet: "10.77.0.0/30", Routes: "fd77::/64"})
		b.route(t, s, IPRouterText{Interface: "mesh0", LocalNet: "10.77.0.4/30", Routes: "10.88.0.0/24,fd88::/64"})
		a.awaitRoutes(t, "10.77.0.4/30", "10.88.0.0/24", "fd88::/64")
		b.awaitRoutes(t, "10.77.0.0/30", "fd77::/64")

		a.ping(t, "10.77.0.5")
		a.ping(t, "10.88.0.1")
		b.ping(t, "10.77.0.1")
		a.exchange(t, b, "10.88.0.1")
		b.exchange(t, a, "10.77.0.1")
		a.exchange(t, b, "fd88::1")

		s.Stop(b.services)
		a.awaitRoutes(t)
		if n := a.log.warnings("") + b.log.warnings(""); n != 0 {
			t.Errorf("%d warnings", n)
		}
	})
}

func TestIPRouterSurvivesWhatIsNoPacket(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		wires := mem.NewNetwork()
		a := newSite(t, s, wires, "a")
		b := newSite(t, s, wires, "b", "a")
		a.route(t, s, IPRouterText{Interface: "mesh0", LocalNet: "10.77.0.0/30"})
		target := a.ns.ListenPacket(t, "udp", "10.77.0.1:0")
		defer target.Close()
		eventually(t, func() bool { return a.plane.HasRoute("b") && b.plane.HasRoute("a") })
		forger, err := b.plane.Listen("net", mesh.SocketOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer forger.Close()
		stranger, err := b.plane.Listen("other", mesh.SocketOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer stranger.Close()
		to := mesh.Addr{Node: "a", Service: "net"}
		good := udpPacket("10.77.0.2", target.LocalAddr().String(), "hello")
		for _, bad := range [][]byte{{}, {0x45}, {0x60, 0}, good[:27], bytes.Repeat([]byte{0xff}, 1000), make([]byte, 65499)} {
			if _, err := forger.WriteTo(bad, to); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := stranger.WriteTo(udpPacket("10.77.0.2", target.LocalAddr().String(), "of a stranger"), to); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 100)
		for deadline := time.Now().Add(patience); ; { // the service may not have been there at first
			if _, err := forger.WriteTo(good, to); err != nil {
				t.Fatal(err)
			}
			if err := target.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
				t.Fatal(err)
			}
			n, _, err := target.ReadFrom(buf)
			if err == nil {
				if string(buf[:n]) != "hello" {
					t.Errorf("%q", buf[:n])
				}
				break
			}
			if !errors.Is(err, os.ErrDeadlineExceeded) || time.Now().After(deadline) {
				t.Fatal(err)
			}
		}
		if n := a.log.warnings(""); n != 0 {
			t.Errorf("%d warnings", n)
		}
		if r := theProxy(t, s, a.services); r.GetRestarts() != 0 || r.GetKind() != "ip-router" {
			t.Errorf("%v", r)
		}
	})
}

// udpPacket is an IPv4 packet with a UDP datagram in it.
func udpPacket(from, to, text string) []byte {
	dest := netip.MustParseAddrPort(to)
	p := make([]byte, 28, 28+len(text))
	p[0], p[8], p[9] = 0x45, 64, 17
	binary.BigEndian.PutUint16(p[2:], uint16(len(p)+len(text)))
	copy(p[12:], netip.MustParseAddr(from).AsSlice())
	copy(p[16:], dest.Addr().AsSlice())
	var sum uint32
	for i := 0; i < 20; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(p[i:]))
	}
	sum = sum>>16 + sum&0xffff
	binary.BigEndian.PutUint16(p[10:], ^uint16(sum>>16+sum))
	binary.BigEndian.PutUint16(p[20:], 9999)
	binary.BigEndian.PutUint16(p[22:], dest.Port())
	binary.BigEndian.PutUint16(p[24:], uint16(8+len(text)))
	return append(p, text...)
}

func TestALostDeviceIsOpenedAgain(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		a := newSite(t, s, mem.NewNetwork(), "a")
		a.route(t, s, IPRouterText{Interface: "mesh0", LocalNet: "10.77.0.0/30"})
		find := func() (link netlink.Link) {
			a.ns.Do(t, func() error {
				var err error
				if link, err = netlink.LinkByName("mesh0"); err != nil {
					link = nil // it may not be there at the moment
				}
				return nil
			})
			return link
		}
		eventually(t, func() bool { return find() != nil })
		first := find()
		a.ns.Do(t, func() error { return netlink.LinkDel(first) })
		eventually(t, func() bool {
			now := find()
			return now != nil && now.Attrs().Index != first.Attrs().Index && theProxy(t, s, a.services).GetRestarts() > 0
		})
		if a.log.warnings("lost the network interface") == 0 {
			t.Error("nobody was told")
		}
	})
}

func TestIPRoutersThatCanNotBe(t *testing.T) {
	plane := mesh.New(mesh.Config{NodeID: "a"})
	for _, text := range []IPRouterText{
		{Network: "net", LocalNet: "abc"}, {Network: "net", LocalNet: "10.0.0.0/30", Routes: "x"},
	} {
		if _, err := NewIPRouter(plane, text); err == nil {
			t.Errorf("%+v", text)
		}
	}
}
