package services

import (
	"context"
	"errors"
	"sync"
	"syscall"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	servicesv1 "receptor/proto/services/v1"
	"receptor/transport"
)

// acceptPause is waited when the machine is short of descriptors or memory.
const acceptPause = 100 * time.Millisecond

// acceptor owns a listener and the goroutine that blocks on it. Clients that it
// accepted wait in its table until their actor takes them.
type acceptor struct {
	listener transport.StreamListener
	slots    chan struct{} // one per connection that may be open
	ctx      context.Context
	cancel   context.CancelFunc
	done     chan struct{} // closed when the loop has ended

	mu      sync.Mutex
	last    uint64
	clients map[uint64]transport.StreamConn
}

// proxySink is the only place where the accept loop meets the proxy's mailbox.
type proxySink struct {
	root        *actor.RootContext
	proxy       *actor.PID
	incarnation uint64
}

func (s proxySink) accepted(client uint64) {
	s.root.Send(s.proxy, &servicesv1.ClientAccepted{Incarnation: s.incarnation, Client: client})
}

func (s proxySink) lost(err error) {
	s.root.Send(s.proxy, &servicesv1.ListenerLost{Incarnation: s.incarnation, Text: err.Error()})
}

func newAcceptor(l transport.StreamListener, limit int) *acceptor {
	a := &acceptor{
		listener: l, slots: make(chan struct{}, limit),
		done: make(chan struct{}), clients: map[uint64]transport.StreamConn{},
	}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	return a
}

func (a *acceptor) start(out proxySink) { go a.run(out) }

// run accepts while there is room; others wait in the queue of the socket.
func (a *acceptor) run(out proxySink) {
	defer close(a.done)
	for {
		select {
		case a.slots <- struct{}{}:
		case <-a.ctx.Done():
			return
		}
		c, err := a.accept()
		if err != nil {
			if a.ctx.Err() == nil {
				out.lost(err)
			}
			return
		}
		out.accepted(a.keep(c))
	}
}

// accept waits out what is not the listener's fault.
func (a *acceptor) accept() (transport.StreamConn, error) {
	for {
		c, err := a.listener.Accept()
		if err == nil || !passing(err) {
			return c, err
		}
		select {
		case <-time.After(acceptPause):
		case <-a.ctx.Done():
			return nil, err
		}
	}
}

// passing errors say nothing about the listener.
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
func (a *acceptor) take(id uint64) transport.StreamConn {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.clients[id]
	delete(a.clients, id)
	return c
}

// leave frees the slot of a connection that has ended.
func (a *acceptor) leave() { <-a.slots }

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
