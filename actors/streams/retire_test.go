package streams

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"receptor/test/probe"
	"receptor/transport"
	"receptor/transport/mesh"
)

// profiles are TLS clients by any name that believe everybody.
type profiles struct{}

func (profiles) Client(_, _ string, protocols []string) (*tls.Config, error) {
	return &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: protocols, InsecureSkipVerify: true}, nil
}

func (profiles) Server(string, []string, func(net.Addr) string) (*tls.Config, error) {
	return nil, errors.ErrUnsupported
}

// After a TLS client has changed nothing new goes over connections that were made with
// it, and what is under way there goes on.
func TestRetiredTLSServesNoNewStream(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		p := newPair(s, slow)
		defer p.stop()
		p.a.net.credentials = profiles{}
		go serve(p.b.listen(t, "echo"), echo(t))
		dial := func(client string) transport.StreamConn {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			c, err := p.a.net.Dial(ctx, "b", "echo", client)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		long := dial("mine")
		says(t, long, "before")
		exchange(t, dial("mine"), "shares its connection")
		exchange(t, dial("other"), "has one of its own")
		if n := sessions(t, s, p.a); n != 2 {
			t.Fatalf("%d sessions instead of one each", n)
		}
		p.a.net.RetireTLS([]string{"mine"})
		exchange(t, dial("mine"), "needs a new one")
		exchange(t, dial("mine"), "shares that")
		exchange(t, dial("other"), "did not change")
		if n := sessions(t, s, p.a); n != 3 {
			t.Errorf("%d sessions instead of the two and a new one", n)
		}
		says(t, long, "after")
		if got := exchange(t, long, "the end"); got != "the end" {
			t.Errorf("%q", got)
		}
	})
}

// says wants the far end to answer with the same.
func says(t *testing.T, c transport.StreamConn, text string) {
	t.Helper()
	got := make([]byte, len(text))
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, got); err != nil || string(got) != text {
		t.Fatalf("said %q, heard %q, %v", text, got, err)
	}
}

// A listener that retires gives its service to another at once, and its streams go on.
func TestARetiredListenerLetsItsStreamsFinish(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		p := newPair(s, quality{})
		defer p.stop()
		first := p.b.listen(t, "echo")
		go serve(first, echo(t))
		long := p.a.dial(t, "b", "echo")
		says(t, long, "before")
		if err := first.(transport.Retirer).Retire(); err != nil {
			t.Fatal(err)
		}
		if _, err := first.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("accept: %v", err)
		}
		second := p.b.listen(t, "echo")
		if _, err := p.b.net.Listen("echo", ListenOptions{}); !errors.Is(err, mesh.ErrServiceInUse) {
			t.Errorf("a third listener: %v", err)
		}
		go serve(second, func(c transport.StreamConn) {
			_, err := io.WriteString(c, "second")
			if err = errors.Join(err, c.Close()); err != nil {
				t.Error(err)
			}
		})
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
			c := p.a.dial(t, "b", "echo")
			got, err := io.ReadAll(c)
			if err = errors.Join(err, c.Close()); err == nil && string(got) == "second" {
				break // before, the session was used that is retired, and refused
			}
			if time.Now().After(deadline) {
				t.Fatalf("a new stream: %q, %v", got, err)
			}
		}
		says(t, long, "after")
		if err := second.Close(); err != nil {
			t.Fatal(err)
		}
		says(t, long, "still")
		if got := exchange(t, long, "the end"); got != "the end" {
			t.Errorf("%q", got)
		}
		third := p.b.listen(t, "echo")
		if err := third.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// While streams go on whose listener retired, and no other has come, who dials hears
// that nobody listens.
func TestNobodyWaitsForAListenerThatRetired(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		p := newPair(s, slow)
		defer p.stop()
		l := p.b.listen(t, "echo")
		go serve(l, echo(t))
		long := p.a.dial(t, "b", "echo")
		says(t, long, "before")
		if err := l.(transport.Retirer).Retire(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second) // the far end is told that the session serves no more
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if _, err := p.a.net.Dial(ctx, "b", "echo", ""); !errors.Is(err, ErrServiceUnknown) {
			t.Errorf("dial: %v", err)
		}
		says(t, long, "after")
		go serve(p.b.listen(t, "echo"), echo(t))
		if got := exchange(t, p.a.dial(t, "b", "echo"), "again"); got != "again" {
			t.Errorf("a listener that came later: %q", got)
		}
		if got := exchange(t, long, "the end"); got != "the end" {
			t.Errorf("%q", got)
		}
	})
}

// One that has nothing under way lets go of its service, too.
func TestARetiredListenerWithoutStreamsIsGone(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		p := newPair(s, quality{})
		defer p.stop()
		l := p.b.listen(t, "echo")
		if err := l.(transport.Retirer).Retire(); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
			socket, err := p.b.plane.Listen("echo", mesh.SocketOptions{})
			if err == nil {
				if err := socket.Close(); err != nil {
					t.Error(err)
				}
				return
			}
			if time.Now().After(deadline) {
				t.Fatal(err)
			}
		}
	})
}
