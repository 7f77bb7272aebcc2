package streams

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	routerv1 "receptor/proto/router/v1"
	"receptor/test/probe"
	"receptor/transport"
)

func TestAnIdleSessionIsGivenUpByBoth(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		p := newPair(s, slow)
		defer p.stop()
		go serve(p.b.listen(t, "echo"), echo(t))
		if got := exchange(t, p.a.dial(t, "b", "echo"), "x"); got != "x" {
			t.Errorf("%q", got)
		}
		time.Sleep(idleAfter - time.Second)
		if a, b := sessions(t, s, p.a), sessions(t, s, p.b); a != 1 || b != 1 {
			t.Errorf("%d and %d sessions before the time", a, b)
		}
		time.Sleep(2 * time.Second)
		if a, b := sessions(t, s, p.a), sessions(t, s, p.b); a != 0 || b != 0 {
			t.Errorf("%d and %d sessions are left", a, b)
		}
		if lost := s.Tree(t, p.a.pid).GetLost(); len(lost) != 0 {
			t.Errorf("a natural end is on record: %v", lost)
		}
	})
}

func TestASlowReaderKeepsTheSession(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		p := newPair(s, slow)
		defer p.stop()
		c, far := p.meet(t, "slow")
		text := strings.Repeat("unread ", streamWindow/8)
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * idleAfter)
		got, err := io.ReadAll(far)
		if err != nil || string(got) != text {
			t.Errorf("%d bytes of %d, %v", len(got), len(text), err)
		}
		if err := far.Close(); err != nil {
			t.Log(err)
		}
		time.Sleep(time.Second)
		if a, b := sessions(t, s, p.a), sessions(t, s, p.b); a != 0 || b != 0 {
			t.Errorf("%d and %d sessions are left", a, b)
		}
	})
}

// What nobody reads holds up its own stream only, also in a session that many share.
func TestStreamsThatNobodyReadsHoldUpNoOther(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		p := newPair(s, slow)
		defer p.stop()
		deaf := p.b.listen(t, "echo")
		const stuck = 100
		for range stuck {
			c := p.a.dial(t, "b", "echo")
			go func() {
				defer c.Close()
				n, err := io.Copy(c, strings.NewReader(strings.Repeat("unread ", 1<<20)))
				if err == nil {
					t.Errorf("all of %d bytes went to nobody", n)
				}
			}()
			if _, err := deaf.Accept(); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second) // of the fake clock: all are stuck
		c := p.a.dial(t, "b", "echo")
		far, err := deaf.Accept()
		if err != nil {
			t.Fatal(err)
		}
		go echo(t)(far)
		if got := exchange(t, c, "read"); got != "read" {
			t.Errorf("%q", got)
		}
		if n := sessions(t, s, p.a); n != 1 {
			t.Errorf("%d sessions instead of one for all", n)
		}
	})
}

func TestASessionOutlivesAShortLossOfTheRoute(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		p := newPair(s, slow)
		defer p.stop()
		c, far := p.meet(t, "svc")
		p.cable.cut()
		if _, err := c.Write([]byte("through")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		p.cable = join(p.a.plane, p.b.plane, slow)
		got := make([]byte, len("through"))
		if _, err := io.ReadFull(far, got); err != nil || string(got) != "through" {
			t.Errorf("%q, %v", got, err)
		}
	})
}

func TestASilentPeerIsGivenUp(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		p := newPair(s, slow)
		defer p.stop()
		c, _ := p.meet(t, "svc")
		p.cable.cut()
		begin := time.Now()
		if n, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("read %d bytes, %v", n, err)
		}
		if took := time.Since(begin); took > keepAlive+maxIdle+time.Second {
			t.Errorf("it took %v", took)
		}
		time.Sleep(time.Minute)
		for _, h := range []*host{p.a, p.b} {
			tree := s.Tree(t, h.pid)
			if len(tree.GetChildren()) != 0 || len(tree.GetLost()) != 1 {
				t.Errorf("%d sessions are left, %d on record", len(tree.GetChildren()), len(tree.GetLost()))
			}
		}
		p.cable = join(p.a.plane, p.b.plane, slow)
	})
}

// A peer that was killed and started again knows nothing of the session.
func TestAForgottenSessionIsReplaced(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		p := newPair(s, slow)
		defer p.stop()
		go serve(p.b.listen(t, "echo"), echo(t))
		if got := exchange(t, p.a.dial(t, "b", "echo"), "x"); got != "x" {
			t.Errorf("%q", got)
		}
		p.cable.cut()
		s.Stop(p.b.pid)
		p.b = newHost("b", "a", s.Log())
		p.b.spawn(s)
		go serve(p.b.listen(t, "echo"), echo(t))
		p.cable = join(p.a.plane, p.b.plane, slow)

		time.Sleep(quiet + time.Second)
		begin := time.Now()
		if got := exchange(t, p.a.dial(t, "b", "echo"), "again"); got != "again" {
			t.Errorf("%q", got)
		}
		if took := time.Since(begin); took > proofBase+time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// The router sees that a node has started anew long before its silence does.
func TestARestartedNodeEndsItsSessionsAtOnce(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		p := newPair(s, slow)
		defer p.stop()
		c, _ := p.meet(t, "svc")
		begin := time.Now()
		s.Send(p.a.pid, &routerv1.NodeRestarted{Node: "c"})
		s.Settle()
		if got := sessions(t, s, p.a); got != 1 {
			t.Errorf("another node's restart left %d sessions", got)
		}
		s.Send(p.a.pid, &routerv1.NodeRestarted{Node: "b"})
		if n, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("read %d bytes, %v", n, err)
		}
		if took := time.Since(begin); took > time.Second {
			t.Errorf("it took %v", took)
		}
		go serve(p.b.listen(t, "echo"), echo(t))
		if got := exchange(t, p.a.dial(t, "b", "echo"), "again"); got != "again" {
			t.Errorf("%q", got)
		}
	})
}

// With the same key after the restart the peer can say so; without, its silence
// has to speak.
func TestAKeptResetKeyEndsForgottenStreamsAtOnce(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		p := newPair(s, slow)
		defer p.stop()
		restart := func() {
			s.Stop(p.b.pid)
			plane := newHost("b", "a", s.Log()).plane
			p.b = &host{plane: plane, net: NewNetwork(NetworkConfig{Plane: plane, Log: s.Log(), ResetKey: &[32]byte{7}})}
			p.b.spawn(s)
			go serve(p.b.listen(t, "echo"), func(c transport.StreamConn) {
				if _, err := io.Copy(c, c); err == nil {
					t.Error("a stream that was cut off ended as if all was said")
				}
			})
		}
		p.cable.cut()
		restart()
		p.cable = join(p.a.plane, p.b.plane, slow)
		c := p.a.dial(t, "b", "echo")
		if _, err := c.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		p.cable.cut()
		restart()
		p.cable = join(p.a.plane, p.b.plane, slow)
		begin := time.Now()
		if _, err := c.Write(make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("read %d bytes, %v", n, err)
		}
		if took := time.Since(begin); took > time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestABlackHoleEndsADial(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		p := newPair(s, quality{loss: 1, delay: time.Millisecond})
		defer p.stop()
		begin := time.Now()
		if _, err := p.a.net.Dial(context.Background(), "b", "echo", ""); err == nil {
			t.Error("dialled through a black hole")
		}
		if took := time.Since(begin); took > handshakeIdle+time.Second {
			t.Errorf("it took %v", took)
		}
	})
}
