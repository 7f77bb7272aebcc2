package streams

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"receptor/test/probe"
	"receptor/transport"
	"receptor/transport/mesh"
	"receptor/transport/mesh/firewall"
)

// echo answers with what it reads, and ends when its input ends.
func echo(t testing.TB) func(transport.StreamConn) {
	return func(c transport.StreamConn) {
		if _, err := io.Copy(c, c); err != nil {
			t.Errorf("echo: %v", err)
		}
		if err := c.Close(); err != nil {
			t.Errorf("echo: %v", err)
		}
	}
}

// exchange sends text, ends the input and returns the whole answer.
func exchange(t testing.TB, c transport.StreamConn, text string) string {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Error(err)
	}
	if err := c.CloseWrite(); err != nil {
		t.Error(err)
	}
	got, err := io.ReadAll(c)
	if err != nil {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	return string(got)
}

func sessions(t testing.TB, s *probe.Stage, h *host) int {
	t.Helper()
	return len(s.Tree(t, h.pid).GetChildren())
}

func TestStreamsShareOneSession(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		p := newPair(s, slow)
		defer p.stop()
		go serve(p.b.listen(t, "echo"), echo(t))
		var all sync.WaitGroup
		for i := range 200 {
			all.Go(func() {
				text := strings.Repeat(fmt.Sprint(i), 1000)
				if got := exchange(t, p.a.dial(t, "b", "echo"), text); got != text {
					t.Errorf("stream %d: %d bytes instead of %d", i, len(got), len(text))
				}
			})
		}
		all.Wait()
		if a, b := sessions(t, s, p.a), sessions(t, s, p.b); a != 1 || b != 1 {
			t.Errorf("%d and %d sessions instead of one", a, b)
		}
	})
}

func TestTheOwnNodeIsReachedToo(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		p := newPair(s, quality{})
		defer p.stop()
		go serve(p.a.listen(t, "echo"), echo(t))
		for _, name := range []string{"a", "localhost", "LocalHost"} {
			if got := exchange(t, p.a.dial(t, name, "echo"), "me"); got != "me" {
				t.Errorf("%s: %q", name, got)
			}
		}
	})
}

func TestHalfClose(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		p := newPair(s, quality{})
		defer p.stop()
		c, far := p.meet(t, "half")
		// The far end is the first to finish; the way back stays open.
		if err := far.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Fatalf("read %d bytes, %v; want the end", n, err)
		}
		if _, err := c.Write([]byte("late")); err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(far)
		if err != nil || string(got) != "late" {
			t.Fatalf("%q, %v", got, err)
		}
		if err := far.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// Whoever closes second has nothing to complain about.
func TestCloseAfterTheFarEndClosed(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		p := newPair(s, quality{})
		defer p.stop()
		go serve(p.b.listen(t, "greet"), func(c transport.StreamConn) {
			if _, err := io.WriteString(c, "hello"); err != nil {
				t.Error(err)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
		for range 20 {
			c := p.a.dial(t, "b", "greet")
			if got, err := io.ReadAll(c); err != nil || string(got) != "hello" {
				t.Errorf("%q, %v", got, err)
			}
			if err := c.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		}
	})
}

func TestTransferSurvivesLoss(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		p := newPair(s, quality{loss: 0.01})
		defer p.stop()
		go serve(p.b.listen(t, "echo"), echo(t))
		sent := make([]byte, 20<<20)
		if _, err := rand.NewChaCha8([32]byte{1}).Read(sent); err != nil {
			t.Fatal(err)
		}
		c := p.a.dial(t, "b", "echo")
		wrote := make(chan error, 1)
		go func() {
			_, err := c.Write(sent)
			wrote <- errors.Join(err, c.CloseWrite())
		}()
		got, err := io.ReadAll(c)
		if err != nil || !bytes.Equal(got, sent) {
			t.Errorf("%d bytes instead of %d, %v", len(got), len(sent), err)
		}
		if err := errors.Join(<-wrote, c.Close()); err != nil {
			t.Error(err)
		}
	})
}

func TestDialsThatMustFailAtOnce(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		p := newPair(s, quality{})
		defer p.stop()
		for _, c := range []struct {
			node, service, tls, text string
			is                       error
		}{
			{"b", "missing", "", "service missing unknown on node b", ErrServiceUnknown},
			{"a", "missing", "", "service missing unknown on node a", ErrServiceUnknown},
			{"c", "echo", "", "no route to node c", mesh.ErrNoRoute},
			{"b", "echo", "mine", "unknown TLS config mine", nil},
			{"b", "much-too-long", "", "service name", nil},
		} {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			_, err := p.a.net.Dial(ctx, c.node, c.service, c.tls)
			cancel()
			if err == nil || !strings.Contains(err.Error(), c.text) || (c.is != nil && !errors.Is(err, c.is)) {
				t.Errorf("%s:%s %s: %v; want %q", c.node, c.service, c.tls, err, c.text)
			}
		}
		for deadline := time.Now().Add(5 * time.Second); sessions(t, s, p.a) != 0; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("sessions are left")
			}
		}
	})
}

func TestAFirewallEndsADialAtOnce(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		p := &pair{
			stage: s, a: newHost("a", "b", s.Log()),
			b: newHost("b", "a", s.Log(), firewall.Rule{Action: "reject", FromNode: "a", ToService: "secret"}),
		}
		p.a.spawn(s)
		p.b.spawn(s)
		p.cable = join(p.a.plane, p.b.plane, quality{})
		defer p.stop()
		p.b.listen(t, "secret")
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_, err := p.a.net.Dial(ctx, "b", "secret", "")
		if err == nil || !strings.Contains(err.Error(), "blocked by firewall on node b") {
			t.Errorf("got %v", err)
		}
	})
}

func TestADialCanBeCancelled(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		p := newPair(s, quality{loss: 1}) // nothing arrives
		defer p.stop()
		stop := errors.New("enough")
		ctx, cancel := context.WithCancelCause(context.Background())
		time.AfterFunc(20*time.Millisecond, func() { cancel(stop) })
		if _, err := p.a.net.Dial(ctx, "b", "echo", ""); !errors.Is(err, stop) {
			t.Error(err)
		}
	})
}

func TestAClosedListenerEndsItsStreamsAndFreesTheName(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		p := newPair(s, quality{})
		defer p.stop()
		l := p.b.listen(t, "short")
		if _, err := p.b.net.Listen("short", ListenOptions{}); !errors.Is(err, mesh.ErrServiceInUse) {
			t.Errorf("listening twice: %v", err)
		}
		c := p.a.dial(t, "b", "short")
		if _, err := l.Accept(); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("accept after close: %v", err)
		}
		if _, err := io.ReadAll(c); err == nil {
			t.Error("the stream ended as if all was said")
		}
		if err := c.Close(); err != nil {
			t.Log(err)
		}
		again := p.b.listen(t, "short")
		go serve(again, echo(t))
		if got := exchange(t, p.a.dial(t, "b", "short"), "back"); got != "back" {
			t.Errorf("%q", got)
		}
	})
}

func TestAStoppedFamilyRefuses(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		p := newPair(s, quality{})
		defer p.stop()
		l := p.b.listen(t, "echo")
		s.Stop(p.b.pid)
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("accept: %v", err)
		}
		if _, err := p.b.net.Dial(context.Background(), "a", "echo", ""); !errors.Is(err, errStopped) {
			t.Errorf("dial: %v", err)
		}
		if _, err := p.b.net.Listen("new", ListenOptions{}); !errors.Is(err, errStopped) {
			t.Errorf("listen: %v", err)
		}
		p.b.spawn(s)
		s.Tree(t, p.b.pid) // it answers once it has started
		go serve(p.b.listen(t, "echo"), echo(t))
		if got := exchange(t, p.a.dial(t, "b", "echo"), "again"); got != "again" {
			t.Errorf("%q", got)
		}
	})
}
