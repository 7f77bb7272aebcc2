// Package tcp carries frames between neighbours over TCP.
//
//	┌────────────┬─────────┐┌────────────┬─────────┐
//	│ length, LE │ message ││ length, LE │ message │ ...
//	└────────────┴─────────┘└────────────┴─────────┘
package tcp

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"

	"receptor/transport"
	"receptor/transport/frame"
	"receptor/transport/internal/socket"
)

const (
	// readBuffer is how much one read may bring: several hundred frames of a bulk
	// stream cost one system call.
	readBuffer = 256 << 10
	// writeBuffer is how much one write may carry. A link's batch fits (64 KiB and
	// at most one frame more).
	writeBuffer = 128 << 10
	// readBufferTLS holds two records; what one read brings waits below TLS.
	readBufferTLS = 32 << 10
)

// Conn carries frames over a byte stream: a TCP connection, or TLS on top of one.
// The size of the socket buffers is left to the kernel, which adapts them to the
// path; a fixed one would end that.
type Conn struct {
	stream net.Conn
	reader *frame.Reader
	out    []byte // of the writing goroutine; reused
}

// NewConn carries frames over stream.
func NewConn(stream net.Conn) *Conn {
	return &Conn{stream: stream, reader: frame.NewReader(stream, readBuffer)}
}

// newTLSConn carries frames over TLS.
func newTLSConn(stream *socket.TLS) *Conn {
	return &Conn{stream: stream, reader: frame.NewReader(stream, readBufferTLS)}
}

// PeerCertificates are those of the far end, its own first: none without TLS, and
// none before the first frame has come.
func (c *Conn) PeerCertificates() []*x509.Certificate {
	if secure, ok := c.stream.(*socket.TLS); ok {
		return secure.PeerCertificates()
	}
	return nil
}

// Path implements transport.Measured.
func (c *Conn) Path() (transport.Path, bool) { return socket.Path(c.stream) }

// ReadFrame returns the next message; the caller frees it.
func (c *Conn) ReadFrame() (*frame.Buf, error) {
	return c.reader.Next()
}

// WriteFrames writes the batch with one write, or one for every 128 KiB of it. A
// message that is too long is refused before anything is written.
func (c *Conn) WriteFrames(batch []*frame.Buf) error {
	for _, f := range batch {
		if f.Len() > frame.MaxLen {
			return fmt.Errorf("message of %d bytes to %s: %w", f.Len(), c.RemoteAddr(), frame.ErrTooLong)
		}
	}
	for _, f := range batch {
		if len(c.out)+frame.PrefixLen+f.Len() > writeBuffer {
			if err := c.flush(); err != nil {
				return err
			}
		}
		out, err := frame.Append(c.out, f.Bytes())
		if err != nil {
			return err
		}
		c.out = out
	}
	return c.flush()
}

func (c *Conn) flush() error {
	if len(c.out) == 0 {
		return nil
	}
	_, err := c.stream.Write(c.out)
	c.out = c.out[:0]
	return err
}

// MaxFrame is the longest message the length prefix can announce.
func (c *Conn) MaxFrame() int { return frame.MaxLen }

// RemoteAddr is the address of the far end.
func (c *Conn) RemoteAddr() string { return c.stream.RemoteAddr().String() }

// Close closes the connection. Closing twice is no error.
func (c *Conn) Close() error {
	if err := c.stream.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
