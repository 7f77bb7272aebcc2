package services

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	servicesv1 "receptor/proto/services/v1"
	"receptor/transport"
)

// acceptPause is waited when the machine is short of descriptors or memory.
const acceptPause = 100 * time.Millisecond

// serveStream speaks with one client until the end, and closes it.
type serveStream func(ctx context.Context, client transport.StreamConn) (servicesv1.End, error)

// acceptor is the intake of byte streams: a listener and the goroutine that blocks
// on it. Clients that it accepted wait in its table until their actor takes them.
type acceptor struct {
	listener transport.StreamListener
	serve    serveStream
	out      proxySink
	slots    chan struct{} // one per connection that may be open
	ctx      context.Context
	cancel   context.CancelFunc
	done     chan struct{} // closed when the loop has ended
	crowded  spell         // there is no room; only the loop
	short    spell         // the machine has no descriptors or memory left; only the loop

	mu      sync.Mutex
	last    uint64
	clients map[uint64]transport.StreamConn
}

func newAcceptor(l transport.StreamListener, limit int, serve serveStream, out proxySink) *acceptor {
	a := &acceptor{
		listener: l, serve: serve, out: out, slots: make(chan struct{}, limit),
		done: make(chan struct{}), clients: map[uint64]transport.StreamConn{},
	}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	return a
}

func (a *acceptor) start() { go a.run() }

// run accepts while there is room; others wait in the queue of the socket.
func (a *acceptor) run() {
	defer close(a.done)
	for {
		if !a.room() {
			return
		}
		c, err := a.accept()
		if err != nil {
			if a.ctx.Err() == nil {
				a.out.lost(err)
			}
			return
		}
		a.out.appeared(a.keep(c))
	}
}

// room waits until one more connection may be open. It is false when the acceptor
// stops.
func (a *acceptor) room() bool {
	select {
	case a.slots <- struct{}{}:
		return true
	default:
	}
	if a.crowded.begins(time.Now()) {
		a.out.trouble(fmt.Errorf("%d connections are open, which is the limit: others wait until one ends", cap(a.slots)))
	}
	select {
	case a.slots <- struct{}{}:
		return true
	case <-a.ctx.Done():
		return false
	}
}

// accept waits out what is not the listener's fault.
func (a *acceptor) accept() (transport.StreamConn, error) {
	for {
		c, err := a.listener.Accept()
		if err == nil || !passing(err) {
			return c, err
		}
		if !errors.Is(err, syscall.ECONNABORTED) && !errors.Is(err, syscall.EINTR) && a.short.begins(time.Now()) {
			a.out.trouble(fmt.Errorf("others wait until there is more: %w", err))
		}
		if !pause(a.ctx, acceptPause) {
			return nil, err
		}
	}
}

// pause reports whether it waited to the end.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// passing errors say nothing about the socket.
func passing(err error) bool {
	for _, e := range []error{
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.EINTR,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func (a *acceptor) keep(c transport.StreamConn) uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last++
	a.clients[a.last] = c
	return a.last
}

// take hands a client over to its actor.
func (a *acceptor) take(id uint64) guest {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.clients[id]
	delete(a.clients, id)
	return guest{
		name: fmt.Sprint(id), kind: "connection", addr: c.RemoteAddr().String(),
		serve: func(ctx context.Context) (servicesv1.End, error) { return a.serve(ctx, c) },
	}
}

// left frees the slot of a connection that has ended.
func (a *acceptor) left() { <-a.slots }

// stop closes the listener and the clients that nobody took, and waits.
func (a *acceptor) stop() error {
	a.cancel()
	errs := []error{a.listener.Close()}
	<-a.done
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, c := range a.clients {
		errs = append(errs, c.Close())
		delete(a.clients, id)
	}
	return errors.Join(errs...)
}
