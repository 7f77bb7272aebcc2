package transport

import (
	"testing"
	"testing/synctest"
	"time"
)

// lodger is a connection that leaves when it is closed.
type lodger struct {
	crowd  *Crowd
	closed int
}

func (l *lodger) Close() error {
	l.closed++
	go l.crowd.Leave(l)
	return nil
}

func TestTheOldestStrangerGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewCrowd(2)
		a, b, d, e := &lodger{crowd: c}, &lodger{crowd: c}, &lodger{crowd: c}, &lodger{crowd: c}
		done := make(chan struct{})
		start := time.Now()
		for _, l := range []*lodger{a, b} {
			if !c.Enter(l, done) {
				t.Fatal("no place")
			}
		}
		c.Enter(d, done)
		if a.closed != 1 || b.closed != 0 || time.Since(start) != Courtesy || c.Size() != 2 {
			t.Errorf("closed %d and %d after %v, %d inside", a.closed, b.closed, time.Since(start), c.Size())
		}
		c.Leave(b) // it is somebody now
		c.Leave(b)
		c.Leave(&lodger{})
		c.Enter(e, done)
		if b.closed != 0 || d.closed != 0 || time.Since(start) != Courtesy || c.Size() != 2 {
			t.Errorf("closed %d and %d after %v, %d inside", b.closed, d.closed, time.Since(start), c.Size())
		}
		time.AfterFunc(Courtesy/2, func() { close(done) })
		if c.Enter(b, done) || c.Size() != 2 {
			t.Error("it entered although all is over")
		}
	})
}

// Who is at something stays, and counts anew from when that ends.
func TestWhoIsAtSomethingStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewCrowd(2)
		a, b, d := &lodger{crowd: c}, &lodger{crowd: c}, &lodger{crowd: c}
		done := make(chan struct{})
		for _, l := range []*lodger{a, b} {
			if !c.Enter(l, done) || !c.Busy(l) {
				t.Fatal("no place")
			}
		}
		start := time.Now()
		if c.Enter(d, done) || time.Since(start) != 0 {
			t.Errorf("it waited for %v although nobody can go", time.Since(start))
		}
		c.Idle(b)
		time.Sleep(2 * Courtesy)
		c.Idle(a)
		if !c.Enter(d, done) || a.closed != 0 || b.closed != 1 || time.Since(start) != 2*Courtesy {
			t.Errorf("closed %d and %d after %v", a.closed, b.closed, time.Since(start))
		}
		if c.Busy(b) || !c.Busy(a) || c.Size() != 2 {
			t.Errorf("who has gone is at something, or who stayed is not; %d inside", c.Size())
		}
		c.Idle(b)
		c.Leave(a)
		c.Leave(d)
		if c.Size() != 0 {
			t.Errorf("%d inside, want none", c.Size())
		}
	})
}
