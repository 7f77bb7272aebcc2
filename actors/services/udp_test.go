package services

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	routerv1 "receptor/proto/router/v1"
	"receptor/test/probe"
	"receptor/transport"
	"receptor/transport/mesh"
)

func TestDatagramsCrossTheMeshAndBack(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		a, b, echo, stop := udpPlanes(t)
		defer stop()
		router := s.Probe()
		cfg, addr := udpServer(t, a)
		var log journal
		pid := spawnWith(s, &log, "b", udpClient(b, router.PID, echo))
		router.Expect(t, &routerv1.Advertise{
			Service: "svc", ConnType: routerv1.ConnType_CONN_TYPE_DATAGRAM_UNSPECIFIED,
			Tags: map[string]string{"type": "UDP Proxy", "address": echo},
		})
		spawnWith(s, &log, "a", cfg)
		var clients sync.WaitGroup
		for i := range 8 {
			clients.Go(func() {
				c := udpDial(t, addr)
				for j := range 20 {
					answered(t, c, fmt.Sprintf("client %d, datagram %d", i, j))
				}
			})
		}
		clients.Wait()
		big := udpDial(t, addr)
		answered(t, big, strings.Repeat("x", 65499))
		answered(t, big, "")
		if n := len(theProxy(t, s, pid).GetChildren()); n != 9 {
			t.Errorf("%d associations for 9 clients", n)
		}
		if n := log.warnings(""); n != 0 {
			t.Errorf("%d warnings", n)
		}
		s.Stop(pid)
		router.Expect(t, &routerv1.Withdraw{Service: "svc"})
	})
}

func TestIdleAssociationsEnd(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		a, b, echo, stop := udpPlanes(t)
		defer stop()
		cfg, addr := udpServer(t, a)
		cfg.MaxIdle = 300 * time.Millisecond
		far := udpClient(b, s.Probe().PID, echo)
		far.MaxIdle = 300 * time.Millisecond
		near, distant := spawnWith(s, &journal{}, "a", cfg), spawnWith(s, &journal{}, "b", far)
		c := udpDial(t, addr)
		for range 2 {
			answered(t, c, "hello")
			eventually(t, func() bool {
				return len(theProxy(t, s, near).GetChildren()) == 0 && len(theProxy(t, s, distant).GetChildren()) == 0
			})
		}
		if lost := theProxy(t, s, near).GetLost(); len(lost) != 0 {
			t.Errorf("a natural end is recorded: %v", lost)
		}
	})
}

func TestAssociationsAreBounded(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		a, b, echo, stop := udpPlanes(t)
		defer stop()
		cfg, addr := udpServer(t, a)
		cfg.MaxAssociations, cfg.Courtesy = 1, time.Hour
		var log journal
		ready(t, s, &log, udpClient(b, nil, echo))
		near := spawnWith(s, &log, "a", cfg)
		first, second := udpDial(t, addr), udpDial(t, addr)
		answered(t, first, "first")
		for range 10 {
			if _, err := second.Write([]byte("second")); err != nil {
				t.Fatal(err)
			}
		}
		answered(t, first, "still there")
		if n := len(theProxy(t, s, near).GetChildren()); n != 1 {
			t.Errorf("%d associations", n)
		}
		eventually(t, func() bool { return log.warnings("more than 1 clients of b:svc") == 1 })
	})
}

// Who asks each question from another port finds room, also if there is little.
func TestManyClientsOneAfterTheOther(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		a, b, echo, stop := udpPlanes(t)
		defer stop()
		cfg, addr := udpServer(t, a)
		far := udpClient(b, nil, echo)
		for _, c := range []*Config{&cfg, &far} {
			c.MaxAssociations, c.Courtesy = 2, time.Nanosecond
		}
		var log journal
		ready(t, s, &log, far)
		near := spawnWith(s, &log, "a", cfg)
		for i := range 20 {
			answered(t, udpDial(t, addr), fmt.Sprint("question ", i))
		}
		eventually(t, func() bool { return len(theProxy(t, s, near).GetChildren()) == 2 })
		if lost := theProxy(t, s, near).GetLost(); len(lost) != 0 {
			t.Errorf("to make room is a natural end: %v", lost)
		}
		if n := log.warnings(""); n != 0 {
			t.Errorf("%d warnings", n)
		}
	})
}

func TestAMissingServiceIsToldOnce(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		a, b, stop := planes(t)
		defer stop()
		cfg, addr := udpServer(t, a)
		var log journal
		spawnWith(s, &log, "a", cfg)
		one, two := udpDial(t, addr), udpDial(t, addr)
		for range 20 {
			for _, c := range []net.Conn{one, two} {
				if _, err := c.Write([]byte("anybody?")); err != nil {
					t.Fatal(err)
				}
			}
		}
		eventually(t, func() bool { return log.warnings("datagrams to b:svc: service unknown") == 1 })
		echo, end := udpEcho(t, "127.0.0.1:0")
		defer end()
		spawnWith(s, &log, "b", udpClient(b, s.Probe().PID, echo))
		answered(t, one, "at last")
		answered(t, two, "at last")
		if n := log.warnings(""); n != 1 {
			t.Errorf("%d warnings", n)
		}
	})
}

func TestAMissingNodeIsToldOnce(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		cfg, addr := udpServer(t, mesh.New(mesh.Config{NodeID: "lonely"}))
		var log journal
		spawnWith(s, &log, "a", cfg)
		c := udpDial(t, addr)
		eventually(t, func() bool {
			if _, err := c.Write([]byte("anybody?")); err != nil {
				t.Fatal(err)
			}
			return log.warnings("datagrams to b:svc: no route to node") > 0
		})
		if n := log.warnings(""); n != 1 {
			t.Errorf("%d warnings", n)
		}
	})
}

func TestARefusalIsToldOnceAndNotTheEnd(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		a, b, stop := planes(t)
		defer stop()
		addrOf, end := udpEcho(t, "127.0.0.1:0")
		end()
		cfg, addr := udpServer(t, a)
		var log journal
		far := ready(t, s, &log, udpClient(b, nil, addrOf))
		spawnWith(s, &log, "a", cfg)
		c := udpDial(t, addr)
		eventually(t, func() bool {
			if _, err := c.Write([]byte("anybody?")); err != nil {
				t.Fatal(err)
			}
			return log.warnings("connection refused") > 0
		})
		_, end = udpEcho(t, addrOf)
		defer end()
		answered(t, c, "at last")
		if n := log.warnings(""); n != 1 {
			t.Errorf("%d warnings", n)
		}
		if n := len(theProxy(t, s, far).GetChildren()); n != 1 {
			t.Errorf("%d associations", n)
		}
	})
}

func TestWhatIsTooLargeIsDropped(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		a, b, echo, stop := udpPlanes(t)
		defer stop()
		cfg, addr := udpServer(t, a)
		var log journal
		ready(t, s, &log, udpClient(b, nil, echo))
		spawnWith(s, &log, "a", cfg)
		c := udpDial(t, addr)
		for range 3 {
			if _, err := c.Write(bytes.Repeat([]byte("x"), 65500)); err != nil {
				t.Fatal(err)
			}
		}
		answered(t, c, "small")
		eventually(t, func() bool { return log.warnings("drop datagrams that are too large for b:svc: 65500 bytes") == 1 })
		if n := log.warnings(""); n != 1 {
			t.Errorf("%d warnings", n)
		}
	})
}

func TestStrangersAreNoAnswer(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		a, b, stop := planes(t)
		defer stop()
		service, err := b.Listen("svc", mesh.SocketOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer service.Close()
		stranger, err := b.Listen("stranger", mesh.SocketOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer stranger.Close()
		cfg, addr := udpServer(t, a)
		spawnWith(s, &journal{}, "a", cfg)
		c := udpDial(t, addr)
		if _, err := c.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 100)
		_, from, err := service.ReadFrom(buf)
		if err != nil {
			t.Fatal(err)
		}
		for _, sender := range []*mesh.Socket{stranger, service} {
			if _, err := sender.WriteTo([]byte(sender.LocalAddr().(*mesh.Addr).Service), from); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Read(buf); err != nil || string(buf[:n]) != "svc" {
			t.Errorf("%q, %v", buf[:n], err)
		}
	})
}

func TestALostUDPSocketIsOpenedAgain(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		a, b, echo, stop := udpPlanes(t)
		defer stop()
		cfg, addr := udpServer(t, a)
		first, _ := cfg.Wanted.Load().UDPServers[0].Binding.Take()
		again := ListenUDP(addr)
		opened := 0
		cfg.Wanted.Load().UDPServers[0].Binding = transport.NewBinding(func() (*net.UDPConn, error) {
			if opened++; opened == 1 {
				return first, nil
			}
			return again.Open()
		})
		near := spawnWith(s, &journal{}, "a", cfg)
		spawnWith(s, &journal{}, "b", udpClient(b, s.Probe().PID, echo))
		c := udpDial(t, addr)
		answered(t, c, "before")
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		eventually(t, func() bool { return theProxy(t, s, near).GetRestarts() == 1 })
		c = udpDial(t, addr)
		answered(t, c, "after")
	})
}

func TestAddressesThatCanNotBe(t *testing.T) {
	if _, err := ListenUDP("127.0.0.1:99999").Open(); err == nil || !strings.HasPrefix(err.Error(), "could not resolve address 127.0.0.1:99999") {
		t.Errorf("%v", err)
	}
	if err := CheckUDPAddr("foo"); err == nil || !strings.HasPrefix(err.Error(), "could not resolve UDP address foo") {
		t.Errorf("%v", err)
	}
	taken, err := ListenUDP("127.0.0.1:0").Open()
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if _, err := ListenUDP(taken.LocalAddr().String()).Open(); err == nil || !strings.HasPrefix(err.Error(), "error listening on UDP: ") {
		t.Errorf("%v", err)
	}
	plane := mesh.New(mesh.Config{NodeID: "a"})
	for name, want := range map[string]string{
		"ping":        "error listening on service ping: service ping is already listening and advertising",
		"muchtoolong": "error listening on service muchtoolong: service name muchtoolong too long (at most 8 bytes)",
	} {
		if _, err := ListenDatagrams(plane, name).Open(); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
