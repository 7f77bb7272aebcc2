package services

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"receptor/transport/mesh"
)

// complaint lets the first of a row of equal failures through.
type complaint struct{ made atomic.Bool }

func (c *complaint) first() bool { return !c.made.Load() && c.made.CompareAndSwap(false, true) }

// over ends the row.
func (c *complaint) over() {
	if c.made.Load() {
		c.made.Store(false)
	}
}

// spell is a time in which something goes wrong again and again.
type spell struct{ last time.Time }

// spellPause is how long it has to be quiet before what happens next begins another
// spell.
const spellPause = time.Minute

// begins is told each time that it happens.
func (s *spell) begins(now time.Time) bool {
	fresh := now.Sub(s.last) >= spellPause
	s.last = now
	return fresh
}

// troubles says what goes wrong with the datagrams of one incarnation, but not of
// each of them.
type troubles struct {
	out     proxySink
	target  string
	lost    complaint // the target does not take any, until an answer got through
	large   complaint // some are too large; that stays so
	crowded complaint // too many clients, until there is room for one
}

// failed is told of every datagram that could not be sent.
func (t *troubles) failed(err error) {
	switch {
	case errors.Is(err, mesh.ErrTooLarge), errors.Is(err, unix.EMSGSIZE):
		if t.large.first() {
			t.out.trouble(fmt.Errorf("drop datagrams that are too large for %s: %w", t.target, err))
		}
	case t.lost.first():
		t.out.trouble(fmt.Errorf("datagrams to %s: %w", t.target, err))
	}
}

func (t *troubles) full(clients int) {
	if t.crowded.first() {
		t.out.trouble(fmt.Errorf("more than %d clients of %s at a time, datagrams of others are dropped", clients, t.target))
	}
}
