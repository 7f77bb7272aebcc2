package streams

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"receptor/test/probe"
	"receptor/transport"
)

// dialling returns a bare connection of a dialer of ours to service of b.
func dialling(t testing.TB, p *pair, service string) (conn *quic.Conn, stop func()) {
	t.Helper()
	old := newOldPeer(t, p.a, "")
	old.creds.NextProtos = []string{alpnShared}
	conn, s := old.dial(t, service)
	answered(t, s) // a session that is new answers at once
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return conn, func() { old.stop(t) }
}

// answered opens a stream and returns how long the answer took.
func answered(t testing.TB, s *quic.Stream) time.Duration {
	t.Helper()
	begin := time.Now()
	if _, err := s.Write([]byte{marker}); err != nil {
		t.Fatal(err)
	}
	if err := readMarker(s); err != nil {
		t.Fatal(err)
	}
	return time.Since(begin)
}

func opened(t testing.TB, conn *quic.Conn) *quic.Stream {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, err := conn.OpenStreamSync(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAStreamIsAnsweredThoughNobodySpeaks(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		p := newPair(s, slow)
		defer p.stop()
		go serve(p.b.listen(t, "mute"), func(c transport.StreamConn) { _, _ = io.Copy(io.Discard, c) })
		conn, stop := dialling(t, p, "mute")
		defer stop()
		trip := conn.ConnectionStats().SmoothedRTT
		if took := answered(t, opened(t, conn)); took < answerDelay || took > answerDelay+2*trip {
			t.Errorf("in a lively session the answer took %v, a round trip %v", took, trip)
		}
		time.Sleep(quiet)
		if took := answered(t, opened(t, conn)); took > 2*trip {
			t.Errorf("after a silence it took %v, a round trip %v", took, trip)
		}
	})
}

func TestTheAnswerGoesWithWhatIsSaidFirst(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		p := newPair(s, slow)
		defer p.stop()
		long := strings.Repeat("long ", maxEarly)
		go serve(p.b.listen(t, "speak"), func(c transport.StreamConn) {
			text, err := io.ReadAll(c)
			if err != nil {
				t.Error(err)
			}
			what := map[string]string{"s": "short", "l": long, "n": ""}[string(text)]
			if _, err := io.WriteString(c, what); err != nil {
				t.Error(err)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
		conn, stop := dialling(t, p, "speak")
		defer stop()
		for ask, want := range map[string]string{"s": "short", "l": long, "n": ""} {
			s := opened(t, conn)
			if _, err := io.WriteString(s, "\x00"+ask); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(s); err != nil || string(got) != "\x00"+want {
				t.Errorf("%q: %d bytes, %v", ask, len(got), err)
			}
		}
	})
}

func TestEarlyBytesComeFirst(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		p := newPair(s, slow)
		defer p.stop()
		go serve(p.b.listen(t, "echo"), echo(t))
		for _, pause := range []time.Duration{0, 0, 2 * quiet} { // a new, a lively and a quiet session
			time.Sleep(pause)
			for _, size := range []int{0, 1, maxEarly, 3 * maxEarly} {
				early := strings.Repeat("e", size)
				c, err := p.a.net.DialEarly(t.Context(), "b", "echo", "", []byte(early))
				if err != nil {
					t.Fatal(err)
				}
				if got := exchange(t, c, "late"); got != early+"late" {
					t.Errorf("%d bytes early: %d came back", size, len(got))
				}
			}
		}
	})
}

func TestMoreStreamsThanOpenAtATime(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		p := newPair(s, slow)
		defer p.stop()
		go serve(p.b.listen(t, "echo"), echo(t))
		for i := range maxStreams + 2*creditBatch {
			if got := exchange(t, p.a.dial(t, "b", "echo"), "x"); got != "x" {
				t.Fatalf("stream %d: %q", i, got)
			}
		}
		if n := sessions(t, s, p.a); n != 1 {
			t.Errorf("%d sessions", n)
		}
	})
}
