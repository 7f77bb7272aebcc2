// Package bridge joins two byte streams.
//
//	a ──── copy ───► b      end of a's input ──► CloseWrite of b; a is gone ──► CloseRead of b
//	a ◄─── copy ──── b      end of b's input ──► CloseWrite of a; b is gone ──► CloseRead of a
package bridge

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"receptor/transport"
)

// Bridge copies both ways until both directions have ended, and closes both ends.
// End of input on one side becomes end of input on the other, and the way back
// stays open. If a side can't be read any more both are broken off, so that
// nobody takes a part for the whole. If it can't be written to, only that
// direction ends: what it still has to say is delivered. A side that is found gone
// after its end of input needs no answer any more, so the way back ends, too. The
// error is the first one; both sides' end of input is none. The trace may be nil.
func Bridge(a, b transport.StreamConn, trace Trace) error {
	var first firstError
	there, home := newWay(a, b, &first), newWay(b, a, &first)
	if trace != nil {
		there.told = NewDirection(trace, NameOf(a), NameOf(b))
		home.told = NewDirection(trace, NameOf(b), NameOf(a))
	}
	there.back, home.back = home, there
	over := make(chan struct{})
	go func() {
		defer close(over)
		home.run()
	}()
	there.run()
	<-over
	return errors.Join(first.err, closed(a), closed(b))
}

// way is one direction.
type way struct {
	from, to transport.StreamConn
	first    *firstError // of both
	back     *way
	ended    chan struct{} // closed when nothing more is copied
	unread   atomic.Bool   // whom it leads to is gone
	told     Direction
}

func newWay(from, to transport.StreamConn, first *firstError) *way {
	return &way{from: from, to: to, first: first, ended: make(chan struct{})}
}

// run copies, and then looks after the side it has copied from: once that is gone
// the way back is of no use.
func (w *way) run() {
	w.told.Begin()
	whole := w.pass()
	w.told.End()
	close(w.ended)
	switch {
	case w.back.hasEnded():
		_ = w.back.from.SetReadDeadline(longAgo) // wakes it; on a closed one nobody waits
	case whole && isGone(w.from, w.back.ended):
		w.back.unread.Store(true)
		closeRead(w.to)
	}
}

var longAgo = time.Unix(1, 0)

func (w *way) hasEnded() bool {
	select {
	case <-w.ended:
		return true
	default:
		return false
	}
}

// firstError is the first of two.
type firstError struct {
	mu  sync.Mutex
	err error
}

func (f *firstError) note(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
}

// closed closes c, which may have been closed when its direction broke off.
func closed(c net.Conn) error {
	if err := c.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close %s: %w", c.RemoteAddr(), err)
	}
	return nil
}

// pass copies one direction and passes its end on; whole says that it came to that.
// What went wrong is noted before the other direction finds what follows from it.
func (w *way) pass() (whole bool) {
	dst, src := w.to, w.from
	readErr, writeErr := copyAll(dst, src, w.told)
	switch {
	case readErr != nil && w.unread.Load():
		return true
	case readErr != nil:
		w.first.note(fmt.Errorf("read from %s: %w", src.RemoteAddr(), readErr))
		Abort(dst)
		Abort(src)
		return false
	case writeErr != nil:
		w.first.note(fmt.Errorf("write to %s: %w", dst.RemoteAddr(), writeErr))
		closeRead(src)
		return false
	}
	if err := dst.CloseWrite(); err != nil {
		w.first.note(fmt.Errorf("end of input to %s: %w", dst.RemoteAddr(), err))
		return false
	}
	return true
}

func copyAll(dst io.Writer, src io.Reader, told Direction) (readErr, writeErr error) {
	in := newInput(src)
	defer in.done()
	for {
		piece, err := in.next()
		if len(piece) > 0 {
			if _, werr := dst.Write(piece); werr != nil {
				return nil, werr
			}
			told.Copied(len(piece))
		}
		in.done()
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			return err, nil
		}
	}
}

// Abort closes c such that the far end does not read a clean end of input.
func Abort(c net.Conn) {
	switch t := c.(type) {
	case interface{ Abort() }:
		t.Abort()
		return
	case interface{ SetLinger(sec int) error }:
		_ = t.SetLinger(0) // fails only on a socket that is closed already
	}
	_ = c.Close() // whatever it says, c is of no more use
}

// closeRead tells the far end, where that is possible, that nothing more is read.
func closeRead(c net.Conn) {
	if t, ok := c.(interface{ CloseRead() error }); ok {
		_ = t.CloseRead() // the other direction will find out if c is broken
	}
}
