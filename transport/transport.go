// Package transport describes connections: those between neighbours, which carry
// whole frames, and the byte streams that run over the mesh. It knows nothing of
// actors.
package transport

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"receptor/transport/frame"
)

// Conn carries whole frames to one neighbour. One goroutine reads, one writes;
// Close may be called by any and wakes both.
type Conn interface {
	// ReadFrame returns the next message; the caller frees it.
	ReadFrame() (*frame.Buf, error)
	// WriteFrames writes all messages of the batch, in one system call where the
	// transport can. The caller keeps them.
	WriteFrames(batch []*frame.Buf) error
	// MaxFrame is the longest message this connection carries, in bytes.
	MaxFrame() int
	// RemoteAddr is the far end, for logs and names.
	RemoteAddr() string
	Close() error
}

// Path is what a kernel knows of the way to the far end of a connection.
type Path struct {
	RTT, Jitter, MinRTT time.Duration // smoothed; mean deviation; least
	Sent, Resent        uint64        // segments
}

// Measured is a Conn whose kernel measures the way. It may be asked at any time; ok
// is false when there is nothing to tell.
type Measured interface {
	Path() (p Path, ok bool)
}

// Dialer opens connections to one configured neighbour.
type Dialer interface {
	Dial(ctx context.Context) (Conn, error)
	// Name is stable and readable: tcp-peer:10.0.0.1:2222.
	Name() string
}

// Listener accepts connections of neighbours.
type Listener interface {
	Accept() (Conn, error)
	Addr() string
	Close() error
}

// StreamConn is a reliable byte stream whose ends are closed one by one: after
// CloseWrite the far end reads end-of-input and can still answer.
type StreamConn interface {
	net.Conn
	CloseWrite() error
}

// StreamListener accepts byte streams: on a Unix socket, a TCP port or a service
// of the mesh.
type StreamListener interface {
	Accept() (StreamConn, error)
	Addr() net.Addr
	Close() error
}

// Retirer is a StreamListener that can leave its streams alone when it ends: Retire
// closes it and lets those go on that were accepted. It needs no Close afterwards.
type Retirer interface{ Retire() error }

// ErrNotTrusted is a stream that its far end broke off because it did not like who
// dialled: it looks at a client's certificate when the dial has succeeded already.
var ErrNotTrusted = errors.New("the far end does not trust this one")

// DialStream opens a stream to a service of a node. tlsName names a configured
// TLS client, empty for none. It fails at once, with the reason, if the node has
// no route or the service is not there.
type DialStream func(ctx context.Context, node, service, tlsName string) (StreamConn, error)

// DialEarly is DialStream for who has something to say already; it may go with what
// opens the stream.
type DialEarly func(ctx context.Context, node, service, tlsName string, early []byte) (StreamConn, error)

// Binding opens a listening socket: once ahead of its actor, so that a start-up
// can fail with a clear error, and again whenever the actor is restarted.
type Binding[L any] struct {
	bind  func() (L, error)
	mu    sync.Mutex // Prepare and Open run on different goroutines
	ready *L
}

// NewBinding returns a Binding whose sockets come from bind.
func NewBinding[L any](bind func() (L, error)) *Binding[L] {
	return &Binding[L]{bind: bind}
}

// Prepare opens the socket ahead of the first Open.
func (b *Binding[L]) Prepare() (L, error) {
	l, err := b.bind()
	if err == nil {
		b.mu.Lock()
		b.ready = &l
		b.mu.Unlock()
	}
	return l, err
}

// Open returns the prepared socket the first time, a new one after that.
func (b *Binding[L]) Open() (L, error) {
	b.mu.Lock()
	ready := b.ready
	b.ready = nil
	b.mu.Unlock()
	if ready != nil {
		return *ready, nil
	}
	return b.bind()
}

// Take returns the prepared socket if nobody has opened it yet, for closing it
// when a start-up fails half-way.
func (b *Binding[L]) Take() (l L, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ready == nil {
		return l, false
	}
	l, b.ready = *b.ready, nil
	return l, true
}
