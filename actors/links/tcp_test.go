package links

import (
	"io"
	"net"
	"os"
	"testing"
	"time"

	routerv1 "receptor/proto/router/v1"
	"receptor/test/foreign"
	"receptor/test/probe"
	"receptor/transport"
	"receptor/transport/frame"
	"receptor/transport/tcp"
	"receptor/transport/wire"
)

func dialTCP(t *testing.T, addr string) Backend {
	t.Helper()
	d, err := tcp.NewDialer(addr)
	if err != nil {
		t.Fatal(err)
	}
	return Backend{Name: d.Name(), Dialer: d, AnyPeer: true, Redial: true}
}

// listenTCP binds at once, so that the port is known.
func listenTCP(t *testing.T) (b Backend, addr string) {
	t.Helper()
	binding := tcp.Bind("127.0.0.1:0")
	l, err := binding.Prepare()
	if err != nil {
		t.Fatal(err)
	}
	return Backend{Name: tcp.ListenerName(l.Addr()), Binding: binding, AnyPeer: true}, l.Addr()
}

func TestLinkOverTCP(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		listen, addr := listenTCP(t)
		b := newSide(s, "b", listen)
		a := newSide(s, "a", dialTCP(t, addr))
		ab := a.up(t, "b", 1)
		b.up(t, "a", 1)
		a.router.Send(ab, a.update(map[string]float64{"b": 1}))
		b.updated(t, "a")
		s.Stop(b.links)
		b.down(t, "a")
		a.down(t, "b")
	})
}

// TestRejectArrivesOverTCP writes while the other end rejects: closing a socket
// with unread data would reset the connection and lose the reject.
func TestRejectArrivesOverTCP(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		listen, addr := listenTCP(t)
		listen.AnyPeer = false
		newSide(s, "b", listen)
		for range 20 {
			conn := rawConn{dialOnce(t, addr)}
			for range 100 {
				conn.write(t, update("x", nil))
			}
			conn.until(t, wire.TypeReject)
			if err := conn.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

func dialOnce(t *testing.T, addr string) transport.Conn {
	t.Helper()
	d, err := tcp.NewDialer(addr)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := d.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// TestStrangersOverTCP sends what is no frame, or half of one.
func TestStrangersOverTCP(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		listen, addr := listenTCP(t)
		b := newSide(s, "b", listen)
		for _, bytes := range []string{"", "\x00\x00", "\x05", "\xff\xffhalf", "GET / HTTP/1.1\r\n\r\n", "\x01\x00\x03"} {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Write([]byte(bytes)); err != nil {
				t.Error(err)
			}
			if err := conn.Close(); err != nil {
				t.Error(err)
			}
		}
		conn := rawConn{dialOnce(t, addr)}
		conn.write(t, update("x", nil))
		b.up(t, "x", 1)
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		b.down(t, "x")
	})
}

// TestExistingNode links with another implementation, in both roles.
func TestExistingNode(t *testing.T) {
	if os.Getenv("RECEPTOR_PEER") == "" {
		t.Skip("RECEPTOR_PEER names no binary")
	}
	t.Run("it listens", func(t *testing.T) {
		probe.Live(t, func(t *testing.T, s *probe.Stage) {
			addr := freeAddr(t)
			_, port, err := net.SplitHostPort(addr)
			if err != nil {
				t.Fatal(err)
			}
			a := newSide(s, "a", dialTCP(t, addr))
			foreign.Start(t, "old", "--tcp-listener", "bindaddr=127.0.0.1", "port="+port)
			meet(t, a)
		})
	})
	t.Run("it dials", func(t *testing.T) {
		probe.Live(t, func(t *testing.T, s *probe.Stage) {
			listen, addr := listenTCP(t)
			a := newSide(s, "a", listen)
			foreign.Start(t, "old", "--tcp-peer", "address="+addr)
			meet(t, a)
		})
	})
	t.Run("it rejects", func(t *testing.T) {
		probe.Live(t, func(t *testing.T, s *probe.Stage) {
			listen, addr := listenTCP(t)
			a := newSide(s, "a", listen)
			foreign.Start(t, "old", "--tcp-peer", "address="+addr, "cost=2")
			link := a.up(t, "old", 1)
			a.router.Send(link, a.update(map[string]float64{"old": 1}))
			a.down(t, "old")
		})
	})
}

// meet takes an existing node for a neighbour until it lists us.
func meet(t *testing.T, a *side) {
	t.Helper()
	link := a.up(t, "old", 1)
	a.router.Send(link, a.update(map[string]float64{"old": 1}))
	got := probe.Await(t, a.router, func(m *routerv1.UpdateReceived) bool { return m.GetFrom() == "old" })
	if cost, ok := got.GetUpdate().GetConnections()["a"]; !ok || cost != 1 {
		t.Errorf("%v", got)
	}
}

// freeAddr is an address that nobody listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := tcp.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr()
}

// BenchmarkPump is a data frame from a neighbour's socket to the plane.
func BenchmarkPump(b *testing.B) {
	l, err := tcp.Listen("127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	near, err := net.Dial("tcp", l.Addr())
	if err != nil {
		b.Fatal(err)
	}
	far, err := l.Accept()
	if err != nil {
		b.Fatal(err)
	}
	count := make(counter, 1)
	p := &pump{plane: count, report: nil, credits: make(chan struct{}, 1), begin: time.Now()}
	p.Establish()
	ended := make(chan error, 1)
	go func() { ended <- p.read(b.Context(), far) }()
	const size, batch = 1200, 64
	var out []byte
	for range batch {
		if out, err = frame.Append(out, make([]byte, size)); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(size * batch)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := near.Write(out); err != nil {
			b.Fatal(err)
		}
		for range batch {
			<-count
		}
	}
	for _, c := range []io.Closer{near, far, l} {
		if err := c.Close(); err != nil {
			b.Error(err)
		}
	}
	if err := <-ended; err == nil {
		b.Error("the reader ended without a reason")
	}
}

// counter is a plane that counts.
type counter chan struct{}

func (c counter) Receive(f *frame.Buf) {
	f.Free()
	c <- struct{}{}
}
