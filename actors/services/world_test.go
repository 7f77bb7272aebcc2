package services

import (
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"receptor/actors/supervise"
	routerv1 "receptor/proto/router/v1"
	"receptor/test/probe"
	"receptor/transport/mesh"
)

// journal keeps what is logged.
type journal struct{ probe.Text }

// warnings counts the warnings that contain text.
func (j *journal) warnings(text string) int {
	n := 0
	for line := range strings.Lines(j.String()) {
		if strings.Contains(line, `"level":"warn"`) && strings.Contains(line, text) {
			n++
		}
	}
	return n
}

// spawnWith also writes the log to a journal.
func spawnWith(s *probe.Stage, j *journal, name string, cfg Config) *actor.PID {
	cfg.Log = zerolog.New(zerolog.MultiLevelWriter(s.Log(), j))
	return s.Spawn(supervise.Spec{Name: name, Kind: "supervisor", Supervises: true, New: New(cfg)})
}

// planes joins the data planes of two nodes until the end of the test.
func planes(t testing.TB) (a, b *mesh.Plane, stop func()) {
	t.Helper()
	a, b = mesh.New(mesh.Config{NodeID: "a"}), mesh.New(mesh.Config{NodeID: "b"})
	var done sync.WaitGroup
	var queues []*mesh.Queue
	half := func(from, to *mesh.Plane) {
		q := mesh.NewQueue(mesh.DefaultQueueBytes)
		queues = append(queues, q)
		from.Attach(to.NodeID(), q)
		from.Publish(mesh.Routes{NextHop: map[string]string{to.NodeID(): to.NodeID()}, Names: []string{"a", "b"}})
		done.Go(func() {
			for {
				batch, err := q.TakeBatch(nil)
				if err != nil {
					return
				}
				for _, f := range batch {
					to.Receive(f)
				}
			}
		})
	}
	half(a, b)
	half(b, a)
	return a, b, func() {
		for _, q := range queues {
			q.Close()
		}
		done.Wait()
	}
}

// udpPlanes are two nodes, and somebody who answers datagrams beside the second.
func udpPlanes(t testing.TB) (a, b *mesh.Plane, echo string, stop func()) {
	t.Helper()
	a, b, part := planes(t)
	echo, end := udpEcho(t, "127.0.0.1:0")
	return a, b, echo, func() { end(); part() }
}

// udpEcho answers each datagram with itself.
func udpEcho(t testing.TB, addr string) (at string, stop func()) {
	t.Helper()
	c, err := net.ListenPacket("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 1<<16)
		for {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			if _, err := c.WriteTo(buf[:n], from); err != nil {
				t.Errorf("echo: %v", err)
			}
		}
	}()
	return c.LocalAddr().String(), func() {
		c.Close()
		<-done
	}
}

func udpDial(t testing.TB, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// answered sends text until the same comes back.
func answered(t testing.TB, c net.Conn, text string) {
	t.Helper()
	buf := make([]byte, 1<<16)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if _, err := c.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := c.SetReadDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		for {
			n, err := c.Read(buf)
			if err != nil {
				break
			}
			if string(buf[:n]) == text {
				return
			}
		}
	}
	t.Fatalf("%.20q was not answered", text)
}

// udpServer takes datagrams of a port to svc of node b.
func udpServer(t testing.TB, plane *mesh.Plane) (cfg Config, addr string) {
	t.Helper()
	binding := ListenUDP("127.0.0.1:0")
	c, err := binding.Prepare()
	if err != nil {
		t.Fatal(err)
	}
	addr = c.LocalAddr().String()
	return Config{Plane: plane, Wanted: supervise.NewLive(Set{UDPServers: []UDPServer{{
		Addr: addr, Binding: binding, RemoteNode: "b", RemoteService: "svc",
	}}})}, addr
}

// udpClient takes datagrams to svc of plane to addr.
func udpClient(plane *mesh.Plane, router *actor.PID, addr string) Config {
	return Config{Plane: plane, Router: router, Wanted: supervise.NewLive(Set{UDPClients: []UDPClient{{
		Service: "svc", Binding: ListenDatagrams(plane, "svc"), Addr: addr,
	}}})}
}

// ready starts what listens on the mesh and waits until it does.
func ready(t testing.TB, s *probe.Stage, j *journal, cfg Config) *actor.PID {
	t.Helper()
	router := s.Probe()
	cfg.Router = router.PID
	pid := spawnWith(s, j, "far", cfg)
	probe.ExpectType[*routerv1.Advertise](t, router)
	return pid
}
