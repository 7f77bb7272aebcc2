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
