package tapswitch

import (
	"bytes"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// plug is the far end of a port, in a bubble with a fake clock.
type plug struct {
	sent   chan []byte
	came   chan arrival
	closed chan struct{}
}

type arrival struct {
	frame []byte
	at    time.Time
}

func plugIn(s *Switch) *plug {
	p := &plug{make(chan []byte), make(chan arrival, 256), make(chan struct{})}
	s.Plug(p)
	return p
}

func (p *plug) Read(b []byte) (int, error) {
	select {
	case f := <-p.sent:
		return copy(b, f), nil
	case <-p.closed:
		return 0, io.EOF
	}
}

func (p *plug) Write(b []byte) (int, error) {
	p.came <- arrival{bytes.Clone(b), time.Now()}
	return len(b), nil
}

func (p *plug) Close() error {
	close(p.closed)
	return nil
}

// frames are all that came, once nothing more does.
func (p *plug) frames() []arrival {
	var all []arrival
	for {
		select {
		case a := <-p.came:
			all = append(all, a)
		case <-time.After(time.Minute):
			return all
		}
	}
}

// from is a frame from one address to another.
func from(src, dst, content byte) []byte {
	return append([]byte{2, 0, 0, 0, 0, dst, 2, 0, 0, 0, 0, src, 0x88, 0xb5}, content)
}

func closed(t *testing.T, s *Switch) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestFramesWaitInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New()
		defer closed(t, s)
		s.Set(Path{Delay: 50 * time.Millisecond})
		a, b := plugIn(s), plugIn(s)
		start := time.Now()
		for i := range byte(100) {
			a.sent <- from(1, 2, i)
		}
		got := b.frames()
		if len(got) != 100 {
			t.Fatalf("%d frames", len(got))
		}
		for i, f := range got {
			if took := f.at.Sub(start); !bytes.Equal(f.frame, from(1, 2, byte(i))) || took != 50*time.Millisecond {
				t.Errorf("frame %d: % x after %v", i, f.frame, took)
			}
		}
	})
}

func TestJitterLetsFramesOvertake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New()
		defer closed(t, s)
		s.Set(Path{Delay: 50 * time.Millisecond, Jitter: 20 * time.Millisecond})
		a, b := plugIn(s), plugIn(s)
		start := time.Now()
		for i := range byte(100) {
			a.sent <- from(1, 2, i)
		}
		overtaken := false
		got := b.frames()
		for i, f := range got {
			if took := f.at.Sub(start); took < 50*time.Millisecond || took >= 70*time.Millisecond {
				t.Errorf("frame %d after %v", i, took)
			}
			overtaken = overtaken || i > 0 && f.frame[headerLen] < got[i-1].frame[headerLen]
		}
		if len(got) != 100 || !overtaken {
			t.Errorf("%d frames, out of order: %v", len(got), overtaken)
		}
	})
}

func TestSwitchLearnsWhoIsWhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New()
		defer closed(t, s)
		a, b, c := plugIn(s), plugIn(s), plugIn(s)
		a.sent <- from(1, 2, 0) // nobody knows 2: to all
		synctest.Wait()
		b.sent <- from(2, 1, 1)
		a.sent <- []byte{1, 2, 3} // no frame
		a.sent <- from(1, 1, 2)   // to itself
		for _, want := range []struct {
			port   *plug
			frames int
		}{{a, 1}, {b, 1}, {c, 1}} {
			if got := want.port.frames(); len(got) != want.frames {
				t.Errorf("%d frames, want %d", len(got), want.frames)
			}
		}
	})
}

func TestWaitingFramesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New()
		defer closed(t, s)
		s.Set(Path{Delay: time.Hour})
		a, _ := plugIn(s), plugIn(s)
		for range maxWaiting + 10 {
			a.sent <- from(1, 2, 0)
		}
		synctest.Wait()
		if n := s.Dropped(); n != 10 {
			t.Errorf("%d dropped", n)
		}
	})
}
