// Package ws carries frames between neighbours over WebSocket: one message is one
// frame.
//
//	Conn ─► websocket.Conn ─► stream ─► TLS or not ─► TCP, perhaps by way of a proxy
//
// The library flushes each message. The stream below it collects a batch of them,
// so that a batch is one write here, too.
package ws

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"

	"github.com/coder/websocket"

	"receptor/transport"
	"receptor/transport/frame"
	"receptor/transport/internal/socket"
)

const (
	// MaxFrame is the longest message we send. WebSocket has no limit, but a frame
	// may go on over TCP, where this is the limit.
	MaxFrame = frame.MaxLen
	// readLimit is the longest message that does not end the connection.
	readLimit = 1 << 20
	// usual is what most messages are shorter than; longer ones are copied once.
	usual = 2048
	// writeBuffer is how much one write may carry. A link's batch fits (64 KiB and
	// at most one frame more).
	writeBuffer = 128 << 10
)

// Conn is a WebSocket connection.
type Conn struct {
	ws      *websocket.Conn
	stream  *stream
	remote  string
	dropped atomic.Uint64
}

func newConn(ws *websocket.Conn, s *stream) *Conn {
	ws.SetReadLimit(readLimit)
	return &Conn{ws: ws, stream: s, remote: s.RemoteAddr().String()}
}

// Path implements transport.Measured: the way to the far end, or to the proxy.
func (c *Conn) Path() (transport.Path, bool) { return socket.Path(c.stream.Conn) }

// ReadFrame returns the next message, whichever type it has and however it is
// fragmented. Empty ones are passed over, and so are, counted, those too long for
// any other connection of the mesh.
func (c *Conn) ReadFrame() (*frame.Buf, error) {
	for {
		_, r, err := c.ws.Reader(context.Background())
		if err != nil {
			return nil, ended(err)
		}
		f, err := readMessage(r)
		switch {
		case errors.Is(err, frame.ErrTooLong):
			c.dropped.Add(1)
		case err != nil:
			return nil, fmt.Errorf("inside a message: %w", err)
		case f.Len() == 0:
			f.Free() // existing nodes die of an empty message; we take it for none
		default:
			return f, nil
		}
	}
}

// readMessage reads to the end. A message that is too long is read, too.
func readMessage(r io.Reader) (*frame.Buf, error) {
	f := frame.New(usual)
	n, err := fill(r, f.Bytes())
	if err == nil { // there may be more
		whole := frame.New(frame.MaxLen)
		n = copy(whole.Bytes(), f.Bytes())
		f.Free()
		f = whole
		var more int
		more, err = fill(r, f.Bytes()[n:])
		n += more
	}
	if err == nil {
		err = overlong(r)
	}
	if !errors.Is(err, io.EOF) {
		f.Free()
		return nil, err
	}
	f.Truncate(n)
	return f, nil
}

// fill reads until p is full, or the message or the connection ends.
func fill(r io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var more int
		more, err = r.Read(p[n:])
		n += more
	}
	return n, err
}

// overlong is io.EOF if nothing is left of a message. What is left is thrown away.
func overlong(r io.Reader) error {
	n, err := io.Copy(io.Discard, r)
	switch {
	case err != nil:
		return err
	case n == 0:
		return io.EOF
	default:
		return frame.ErrTooLong
	}
}

// ended says why there is no next message. The end of the stream is that of the
// connection, between messages as well as inside one; see stream.Read.
func ended(err error) error {
	switch websocket.CloseStatus(err) {
	case websocket.StatusNormalClosure, websocket.StatusGoingAway, websocket.StatusNoStatusRcvd:
		return io.EOF
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return io.EOF
	}
	return err
}

// WriteFrames sends the batch as binary messages with one write, or one for every
// 128 KiB of it. A message that is too long is refused before anything is written;
// empty ones are left out.
func (c *Conn) WriteFrames(batch []*frame.Buf) error {
	for _, f := range batch {
		if f.Len() > MaxFrame {
			return fmt.Errorf("message of %d bytes to %s: %w", f.Len(), c.remote, frame.ErrTooLong)
		}
	}
	c.stream.hold()
	for _, f := range batch {
		if f.Len() == 0 {
			continue
		}
		if c.stream.held()+f.Len() > writeBuffer {
			if err := c.stream.release(); err != nil {
				return err
			}
			c.stream.hold()
		}
		if err := c.ws.Write(context.Background(), websocket.MessageBinary, f.Bytes()); err != nil {
			return errors.Join(err, c.stream.release())
		}
	}
	return c.stream.release()
}

// MaxFrame is the longest message that can go on over any connection.
func (c *Conn) MaxFrame() int { return MaxFrame }

// RemoteAddr is the address of the far end, or of the proxy on the way to it.
func (c *Conn) RemoteAddr() string { return c.remote }

// Dropped is how many messages were too long for the mesh.
func (c *Conn) Dropped() uint64 { return c.dropped.Load() }

// PeerCertificates are those of the far end, its own first; none without TLS.
func (c *Conn) PeerCertificates() []*x509.Certificate {
	if secure, ok := c.stream.Conn.(*socket.TLS); ok {
		return secure.PeerCertificates()
	}
	return nil
}

// Close closes the connection at once, without a close frame, as existing nodes
// do: a farewell would wait for a neighbour that does not read. Closing twice is
// no error.
func (c *Conn) Close() error {
	if err := c.ws.CloseNow(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
