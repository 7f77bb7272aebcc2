package streams

import (
	"errors"
	"net"
	"os"

	"github.com/quic-go/quic-go"

	"receptor/transport"
)

// told is what a caller of net.Conn hears of an error: after its own Close, that it
// has closed the stream, and never so if it has not.
func (s *stream) told(op string, err error) error {
	switch {
	case err == nil, errors.Is(err, os.ErrDeadlineExceeded):
		return err
	case s.isShut():
		return &net.OpError{Op: op, Net: s.local.Network(), Source: s.local, Addr: s.remote, Err: net.ErrClosed}
	default:
		return notClosed(err)
	}
}

// notClosed is err, but never net.ErrClosed.
func notClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return &lostError{err}
	}
	return err
}

// shut notes that this end has closed the stream.
func (s *stream) shut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

func (s *stream) isShut() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// lostError is a stream that ended with its session. What QUIC says of that unwraps
// to net.ErrClosed, which is said of nothing but what the caller has closed.
type lostError struct{ cause error }

func (e *lostError) Error() string { return e.cause.Error() }

// Is tells a certificate that was refused from a far end that is gone.
func (e *lostError) Is(target error) bool {
	var failed *quic.TransportError
	return target == transport.ErrNotTrusted && errors.As(e.cause, &failed) && failed.Remote && failed.ErrorCode.IsCryptoError()
}

// As finds what QUIC says.
func (e *lostError) As(target any) bool { return errors.As(e.cause, target) }
