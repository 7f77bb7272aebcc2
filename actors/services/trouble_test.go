package services

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	servicesv1 "receptor/proto/services/v1"
	"receptor/test/probe"
	"receptor/transport"
)

// shortOf is a listener on a machine that runs out of descriptors now and then.
type shortOf struct {
	transport.StreamListener
	failures int
}

func (l *shortOf) Accept() (transport.StreamConn, error) {
	if l.failures--; l.failures >= 0 {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return l.StreamListener.Accept()
}

func TestAShortageIsToldOnceAndWaitedOut(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		told, l := s.Probe(), listenTCP(t)
		served := make(chan struct{})
		a := newAcceptor(&shortOf{tcpListener{Listener: l}, 3}, 10,
			func(context.Context, transport.StreamConn) (servicesv1.End, error) {
				close(served)
				return servicesv1.End_END_CLOSED, nil
			}, proxySink{root: s.Root(), proxy: told.PID})
		a.start()
		defer func() {
			if err := a.stop(); err != nil {
				t.Error(err)
			}
		}()
		c := dial(t, l.Addr().String())
		defer c.Close()
		if m, ok := told.Next(t).(*servicesv1.TroubleSeen); !ok || !strings.Contains(m.GetText(), "too many open files") {
			t.Errorf("told %v", m)
		}
		m, ok := told.Next(t).(*servicesv1.ClientAppeared)
		if !ok {
			t.Fatal("told of the same shortage again")
		}
		if _, err := a.take(m.GetClient()).serve(t.Context()); err != nil {
			t.Error(err)
		}
		<-served
	})
}

func TestASpellEndsWithAPause(t *testing.T) {
	now := time.Now()
	var s spell
	for i, c := range []struct {
		after time.Duration
		want  bool
	}{{0, true}, {time.Second, false}, {spellPause / 2, false}, {spellPause - 1, false}, {spellPause, true}, {0, false}} {
		now = now.Add(c.after)
		if got := s.begins(now); got != c.want {
			t.Errorf("%d: %v", i, got)
		}
	}
}

// prohibited is a UDP socket whose first datagram a firewall on the way refuses, as
// the kernel tells of that: at the next call.
type prohibited struct {
	refusal error // until it was told
	read    chan []byte
	wrote   chan string
	closing sync.Once
}

func (c *prohibited) Read(b []byte) (int, error) {
	if err := c.refusal; err != nil {
		c.refusal = nil
		return 0, &net.OpError{Op: "read", Net: "udp", Err: os.NewSyscallError("read", err)}
	}
	text, ok := <-c.read
	if !ok {
		return 0, io.ErrClosedPipe
	}
	return copy(b, text), nil
}

func (c *prohibited) Write(b []byte) (int, error) {
	c.wrote <- string(b)
	return len(b), nil
}

func (c *prohibited) Close() error {
	c.closing.Do(func() { close(c.read) })
	return nil
}

// answersTo is a shore that hands on what would be sent to a client.
type answersTo struct {
	shore
	got chan string
}

func (s answersTo) answer(b []byte, _ peer) error {
	s.got <- string(b)
	return nil
}

// What a firewall says of a datagram is told, and the next one goes the same way.
func TestARefusalOnTheWayIsToldAndNotTheEnd(t *testing.T) {
	for _, refusal := range []syscall.Errno{syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.ENOPROTOOPT, syscall.EACCES, syscall.ECONNREFUSED} {
		t.Run(refusal.Error(), func(t *testing.T) {
			probe.Live(t, func(t *testing.T, s *probe.Stage) {
				told, near := s.Probe(), answersTo{got: make(chan string, 1)}
				out := proxySink{root: s.Root(), proxy: told.PID}
				far := &prohibited{refusal: refusal, read: make(chan []byte, 1), wrote: make(chan string, 1)}
				r := &receiver{
					near: near, maxIdle: patience, out: out, table: newAssociations(1, time.Second),
					trouble: &troubles{out: out, target: "far"},
					dial:    func(context.Context, *troubles) (io.ReadWriteCloser, error) { return far, nil },
				}
				a := arrives(t, r.table, from(1))
				ctx, cancel := context.WithCancel(t.Context())
				over := make(chan error, 1)
				go func() {
					_, err := r.serve(ctx, a)
					over <- err
				}()
				if m, ok := told.Next(t).(*servicesv1.TroubleSeen); !ok || !strings.Contains(m.GetText(), refusal.Error()) {
					t.Errorf("told %v", m)
				}
				<-far.wrote
				far.read <- []byte("at last")
				select {
				case text := <-near.got:
					if text != "at last" {
						t.Errorf("%q", text)
					}
				case err := <-over:
					t.Fatalf("the association ended: %v", err)
				}
				cancel()
				if err := <-over; !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			})
		})
	}
}

// stuck is a socket of the mesh towards a link that takes nothing.
type stuck struct{ writing, closed chan struct{} }

func (c *stuck) Read([]byte) (int, error) {
	<-c.closed
	return 0, net.ErrClosed
}

func (c *stuck) Write([]byte) (int, error) {
	close(c.writing)
	return c.Read(nil)
}

func (c *stuck) Close() error {
	select {
	case <-c.closed:
		return net.ErrClosed
	default:
		close(c.closed)
		return nil
	}
}

func TestAnAssociationEndsThoughItsLinkTakesNothing(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		told := s.Probe()
		told.Ignore(&servicesv1.TroubleSeen{})
		out := proxySink{root: s.Root(), proxy: told.PID}
		far := &stuck{make(chan struct{}), make(chan struct{})}
		r := &receiver{
			maxIdle: patience, out: out, table: newAssociations(1, time.Second), trouble: &troubles{out: out, target: "far"},
			dial: func(context.Context, *troubles) (io.ReadWriteCloser, error) { return far, nil },
		}
		a := arrives(t, r.table, from(1))
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan error, 1)
		go func() {
			_, err := r.serve(ctx, a)
			over <- err
		}()
		<-far.writing
		cancel()
		select {
		case err := <-over:
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		case <-time.After(patience):
			t.Error("it waits for the link")
		}
	})
}
