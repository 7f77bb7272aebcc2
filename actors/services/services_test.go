package services

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"receptor/actors/supervise"
	routerv1 "receptor/proto/router/v1"
	supervisev1 "receptor/proto/supervise/v1"
	"receptor/test/probe"
	"receptor/transport"
)

const patience = 10 * time.Second

// listenTCP opens a socket on loopback.
func listenTCP(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// bound is a binding whose socket is open already.
func bound(t testing.TB) (*transport.Binding[net.Listener], string) {
	t.Helper()
	b := transport.NewBinding(func() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") })
	l, err := b.Prepare()
	if err != nil {
		t.Fatal(err)
	}
	return b, l.Addr().String()
}

// answering is a TCP server that reads all and then answers with it.
func answering(t testing.TB) (addr string, stop func()) {
	t.Helper()
	return answeringOn(t, listenTCP(t))
}

func answeringOn(t testing.TB, l net.Listener) (addr string, stop func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all, err := io.ReadAll(c)
			if err == nil {
				_, err = c.Write(all)
			}
			if err := errors.Join(err, c.Close()); err != nil {
				t.Errorf("server: %v", err)
			}
		}
	}()
	return l.Addr().String(), func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		<-done
	}
}

func dial(t testing.TB, addr string) *net.TCPConn {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c.(*net.TCPConn)
}

// ask sends text, ends the input and returns the answer.
func ask(t testing.TB, addr string, text []byte) []byte {
	t.Helper()
	c := dial(t, addr)
	go func() {
		if _, err := c.Write(text); err != nil {
			t.Error(err)
		}
		if err := c.CloseWrite(); err != nil {
			t.Error(err)
		}
	}()
	got, err := io.ReadAll(c)
	if err != nil {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	return got
}

func spawn(s *probe.Stage, cfg Config) *actor.PID {
	cfg.Log = s.Log()
	return s.Spawn(supervise.Spec{Name: "services", Kind: "supervisor", Supervises: true, New: New(cfg)})
}

// server is a tcp-server whose mesh is dial.
func server(t testing.TB, dial transport.DialStream) (cfg Config, addr string) {
	binding, addr := bound(t)
	return Config{Dial: early(dial), Wanted: supervise.NewLive(Set{TCPServers: []TCPServer{{
		Addr: addr, Binding: binding, RemoteNode: "b", RemoteService: "svc",
	}}})}, addr
}

// early writes what goes with the opening when it is open.
func early(dial transport.DialStream) transport.DialEarly {
	return func(ctx context.Context, node, service, tlsName string, first []byte) (transport.StreamConn, error) {
		c, err := dial(ctx, node, service, tlsName)
		if err == nil && len(first) > 0 {
			_, err = c.Write(first)
		}
		return c, err
	}
}

func TestTCPServerKeepsHalfClose(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		far, stop := answering(t)
		defer stop()
		cfg, addr := server(t, func(ctx context.Context, node, service, tlsName string) (transport.StreamConn, error) {
			if node != "b" || service != "svc" || tlsName != "" {
				t.Errorf("dialled %s:%s %s", node, service, tlsName)
			}
			return dialTCP(ctx, far, nil)
		})
		spawn(s, cfg)
		sent := make([]byte, 5<<20)
		rand.Read(sent)
		if got := ask(t, addr, sent); !bytes.Equal(got, sent) {
			t.Errorf("%d bytes instead of %d", len(got), len(sent))
		}
	})
}

func TestAFailedDialClosesTheClientAtOnce(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		cfg, addr := server(t, func(context.Context, string, string, string) (transport.StreamConn, error) {
			return nil, errors.New("service svc unknown on node b")
		})
		pid := spawn(s, cfg)
		c := dial(t, addr)
		if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
			t.Errorf("read %d bytes, %v", n, err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		eventually(t, func() bool {
			lost := theProxy(t, s, pid).GetLost()
			return len(lost) == 1 && strings.Contains(lost[0].GetFailure(), "dial b:svc: service svc unknown on node b")
		})
	})
}

// distrusted is a stream whose far end refuses the client's certificate after the dial.
type distrusted struct{ transport.StreamConn }

func (distrusted) Read([]byte) (int, error) {
	return 0, fmt.Errorf("certificate required: %w", transport.ErrNotTrusted)
}

func TestACertificateThatIsRefusedLateIsTold(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		far, stop := answering(t)
		defer stop()
		cfg, addr := server(t, func(ctx context.Context, _, _, _ string) (transport.StreamConn, error) {
			c, err := dialTCP(ctx, far, nil)
			return distrusted{c}, err
		})
		var log journal
		spawnWith(s, &log, "services", cfg)
		if c, err := net.Dial("tcp", addr); err == nil { // else it was broken off that soon
			defer c.Close()
			if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
				t.Errorf("read %d bytes, %v", n, err)
			}
		}
		eventually(t, func() bool { return log.warnings("b:svc refused the certificate of the tls-client") == 1 })
	})
}

func TestASlowDialKeepsNobodyElseWaiting(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		far, stop := answering(t)
		defer stop()
		first := make(chan struct{}, 1)
		first <- struct{}{}
		cfg, addr := server(t, func(ctx context.Context, _, _, _ string) (transport.StreamConn, error) {
			select {
			case <-first:
				<-ctx.Done() // until the proxy stops
				return nil, ctx.Err()
			default:
				return dialTCP(ctx, far, nil)
			}
		})
		pid := spawn(s, cfg)
		stuck := dial(t, addr)
		eventually(t, func() bool { return len(first) == 0 })
		if got := ask(t, addr, []byte("quick")); string(got) != "quick" {
			t.Errorf("%q", got)
		}
		s.Stop(pid)
		if n, err := stuck.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Errorf("read %d bytes, %v", n, err)
		}
		if err := stuck.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestConnectionsAreBounded(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		far, stop := answering(t)
		defer stop()
		cfg, addr := server(t, func(ctx context.Context, _, _, _ string) (transport.StreamConn, error) {
			return dialTCP(ctx, far, nil)
		})
		cfg.MaxConnections = 1
		var log journal
		spawnWith(s, &log, "services", cfg)
		first := dial(t, addr)
		second := make(chan []byte, 1)
		go func() { second <- ask(t, addr, []byte("second")) }()
		if _, err := first.Write([]byte("first")); err != nil {
			t.Fatal(err)
		}
		if err := first.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(first)
		if err != nil || string(got) != "first" {
			t.Errorf("%q, %v", got, err)
		}
		if err := first.Close(); err != nil {
			t.Error(err)
		}
		if got := <-second; string(got) != "second" {
			t.Errorf("%q", got)
		}
		if n := log.warnings("1 connections are open, which is the limit"); n != 1 {
			t.Errorf("%d warnings", n)
		}
	})
}

// client is a tcp-client whose mesh service is a TCP socket.
func client(t testing.TB, target string, router *actor.PID) (cfg Config, sockets <-chan net.Listener) {
	opened := make(chan net.Listener, 8)
	binding := transport.NewBinding(func() (transport.StreamListener, error) {
		l := listenTCP(t)
		opened <- l
		return tcpListener{Listener: l}, nil
	})
	return Config{Router: router, Wanted: supervise.NewLive(Set{TCPClients: []TCPClient{{Service: "svc", Addr: target, Binding: binding}}})}, opened
}

func TestTCPClientAdvertisesAndServes(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		far, stop := answering(t)
		defer stop()
		router := s.Probe()
		cfg, sockets := client(t, far, router.PID)
		pid := spawn(s, cfg)
		router.Expect(t, &routerv1.Advertise{
			Service: "svc", ConnType: routerv1.ConnType_CONN_TYPE_STREAM,
			Tags: map[string]string{"type": "TCP Proxy", "address": far},
		})
		if got := ask(t, (<-sockets).Addr().String(), []byte("hello")); string(got) != "hello" {
			t.Errorf("%q", got)
		}
		s.Stop(pid)
		router.Expect(t, &routerv1.Withdraw{Service: "svc"})
	})
}

func TestALostListenerIsOpenedAgain(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		far, stop := answering(t)
		defer stop()
		router := s.Probe()
		cfg, sockets := client(t, far, router.PID)
		var log journal
		pid := spawnWith(s, &log, "services", cfg)
		if err := (<-sockets).Close(); err != nil {
			t.Fatal(err)
		}
		if got := ask(t, (<-sockets).Addr().String(), []byte("again")); string(got) != "again" {
			t.Errorf("%q", got)
		}
		if n := theProxy(t, s, pid).GetRestarts(); n != 1 {
			t.Errorf("%d restarts", n)
		}
		if n := log.warnings("lost the socket for clients"); n != 1 {
			t.Errorf("%d warnings", n)
		}
	})
}

// While a socket can't be had people are told at each try.
func TestASocketThatCanNotBeHadIsTold(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		binding := transport.NewBinding(func() (transport.StreamListener, error) { return nil, errors.New("somebody has it") })
		var log journal
		spawnWith(s, &log, "services", Config{Router: s.Probe().PID, Wanted: supervise.NewLive(Set{TCPClients: []TCPClient{
			{Service: "svc", Addr: "far", Binding: binding},
		}})})
		eventually(t, func() bool { return log.warnings("somebody has it") > 1 })
	})
}

// theProxy is the record of the only proxy.
func theProxy(t testing.TB, s *probe.Stage, services *actor.PID) *supervisev1.Actor {
	t.Helper()
	children := s.Tree(t, services).GetChildren()
	if len(children) != 1 {
		t.Fatalf("%d proxies", len(children))
	}
	return children[0]
}

// eventually polls until ok or the patience ends.
func eventually(t testing.TB, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not happen")
		}
	}
}
