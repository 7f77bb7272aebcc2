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
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		p := newPair(s, quality{})
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
		say := func(text string) {
			t.Helper()
			got := make([]byte, len(text))
			if _, err := io.WriteString(long, text); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(long, got); err != nil || string(got) != text {
				t.Fatalf("said %q, heard %q, %v", text, got, err)
			}
		}
		say("before")
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
		say("after")
		if got := exchange(t, long, "the end"); got != "the end" {
			t.Errorf("%q", got)
		}
	})
}
