package streams

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"receptor/test/probe"
	"receptor/transport"
)

// A write that comes too late writes nothing, and least of all does what is written
// later get lost with the answer that should have gone before it.
func TestAWriteTooLateKeepsTheStreamWhole(t *testing.T) {
	for _, text := range []string{"short", string(make([]byte, 5*maxEarly))} {
		probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
			p := newPair(s, slow)
			defer p.stop()
			l := p.b.listen(t, "late")
			go serve(l, func(c transport.StreamConn) {
				if err := c.SetWriteDeadline(time.Unix(1, 0)); err != nil {
					t.Error(err)
				}
				if n, err := io.WriteString(c, text); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("wrote %d bytes, %v", n, err)
				}
				time.Sleep(lively / 2)
				if err := c.SetWriteDeadline(time.Time{}); err != nil {
					t.Error(err)
				}
				if _, err := io.WriteString(c, text); err != nil {
					t.Error(err)
				}
				if err := c.Close(); err != nil {
					t.Error(err)
				}
			})
			for range 2 { // the second one finds a lively session
				got, err := io.ReadAll(p.a.dial(t, "b", "late"))
				if string(got) != text || err != nil {
					t.Errorf("read %d bytes of %d, %v", len(got), len(text), err)
				}
			}
		})
	}
}

func TestOnlyWhatIsClosedHereIsCalledClosed(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		p := newPair(s, slow)
		defer p.stop()
		l := p.b.listen(t, "x")
		accepted := make(chan transport.StreamConn, 2)
		go serve(l, func(c transport.StreamConn) { accepted <- c })
		mine, other := p.a.dial(t, "b", "x"), p.a.dial(t, "b", "x")
		<-accepted
		theirs := <-accepted
		reading := make(chan error, 1)
		go func() {
			_, err := mine.Read(make([]byte, 1))
			reading <- err
		}()
		time.Sleep(time.Second)
		if err := mine.Close(); err != nil {
			t.Error(err)
		}
		_, late := mine.Read(make([]byte, 1))
		_, written := mine.Write([]byte("x"))
		for what, err := range map[string]error{"a read under way": <-reading, "a read": late, "a write": written} {
			var failed *net.OpError
			if !errors.Is(err, net.ErrClosed) || !errors.As(err, &failed) || failed.Timeout() {
				t.Errorf("%s after Close: %v", what, err)
			}
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		_, lost := other.Read(make([]byte, 1))
		if lost == nil || errors.Is(lost, net.ErrClosed) || errors.Is(lost, io.EOF) {
			t.Errorf("a stream that the far end broke off: %v", lost)
		}
		if _, err := theirs.Read(make([]byte, 1)); err == nil {
			t.Error("the far end reads on")
		}
	})
}

// A dial that nobody answers is a timeout to whoever asks, as with package net.
func TestADialThatNobodyAnswersIsATimeout(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		p := newPair(s, quality{loss: 1, delay: time.Millisecond})
		defer p.stop()
		_, err := p.a.net.Dial(t.Context(), "b", "x", "")
		var failed net.Error
		if !errors.As(err, &failed) || !failed.Timeout() || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%T %v", err, err)
		}
		if errors.Is(err, net.ErrClosed) {
			t.Error("nobody has closed anything")
		}
	})
}

func TestARefusedCertificateIsNoLoss(t *testing.T) {
	for want, err := range map[bool]error{
		true:  &quic.TransportError{Remote: true, ErrorCode: 0x100 + 116}, // certificate required
		false: &quic.IdleTimeoutError{},
	} {
		if got := errors.Is(notClosed(err), transport.ErrNotTrusted); got != want {
			t.Errorf("%v: %v", err, got)
		}
	}
}
