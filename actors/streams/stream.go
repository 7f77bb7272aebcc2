package streams

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/quic-go/quic-go"

	"receptor/transport"
)

const (
	// quiet is how long a session may have been silent and still be trusted to be
	// alive.
	quiet = 2 * time.Second
	// A quiet session has proofBase and proofTrips round trips to prove it, at most
	// proofMax. A false alarm costs no more than a hand-shake.
	proofBase  = 500 * time.Millisecond
	proofMax   = 3 * time.Second
	proofTrips = 10
)

// stream is one byte stream over the mesh.
type stream struct {
	pump          *pump
	quic          *quic.Stream
	local, remote net.Addr

	reading  sync.Mutex // guards awaiting
	awaiting bool       // the far end's answer to the marker is still to be read
	writing  sync.Mutex // held by Write
	answer   debt       // of an accepted stream

	mu        sync.Mutex
	readDone  bool
	writeDone bool
	released  bool
	closed    bool // by this end, both ways
}

var _ transport.StreamConn = (*stream)(nil)

// dialStream opens a stream on an open session that has been acquired for it. Early
// bytes, at most maxEarly, go with the packet that opens it.
func (p *pump) dialStream(ctx context.Context, early []byte) (*stream, error) {
	qs, err := p.conn.OpenStreamSync(ctx)
	if err != nil {
		p.release()
		return nil, fmt.Errorf("open a stream: %w", notClosed(err))
	}
	s := p.newStream(qs)
	s.awaiting = p.life.shared
	if err := s.greet(ctx, early); err != nil {
		s.Abort()
		return nil, err
	}
	return s, nil
}

// greet makes the stream visible to the far end, and has a session that was
// quiet for long prove that it is alive before anything is entrusted to it.
func (s *stream) greet(ctx context.Context, early []byte) error {
	if !s.awaiting || s.pump.quietFor() <= quiet {
		return s.open(early)
	}
	if err := s.open(nil); err != nil {
		return err
	}
	if err := s.prove(ctx); err != nil {
		return fmt.Errorf("session does not answer: %w", notClosed(err))
	}
	if _, err := s.quic.Write(early); err != nil {
		return fmt.Errorf("open a stream: %w", notClosed(err))
	}
	return nil
}

func (s *stream) open(early []byte) error {
	if _, err := s.quic.Write(marked(early)); err != nil {
		return fmt.Errorf("open a stream: %w", notClosed(err))
	}
	return nil
}

// marked is the marker with what goes into the same packet.
func marked(b []byte) []byte { return append([]byte{marker}, b...) }

// prove waits for the far end's answer.
func (s *stream) prove(ctx context.Context) error {
	if err := s.SetReadDeadline(time.Now().Add(s.pump.proofWait())); err != nil {
		return err
	}
	interrupt := context.AfterFunc(ctx, func() { s.quic.CancelRead(codeCancelRead) })
	defer interrupt()
	if err := s.readAnswer(); err != nil {
		return err
	}
	return s.SetReadDeadline(time.Time{})
}

func (p *pump) proofWait() time.Duration {
	return min(proofBase+proofTrips*p.conn.ConnectionStats().SmoothedRTT, proofMax)
}

func (p *pump) newStream(qs *quic.Stream) *stream {
	return &stream{pump: p, quic: qs, local: p.conn.LocalAddr(), remote: p.conn.RemoteAddr()}
}

// readAnswer takes the far end's 0x00 off a stream that we opened, once.
func (s *stream) readAnswer() error {
	s.reading.Lock()
	defer s.reading.Unlock()
	if !s.awaiting {
		return nil
	}
	if err := readMarker(s.quic); err != nil {
		return err
	}
	s.awaiting = false
	s.pump.alive()
	return nil
}

func readMarker(r io.Reader) error {
	var first [1]byte
	if _, err := io.ReadFull(r, first[:]); err != nil {
		return err
	}
	if first[0] != marker {
		return errors.New(errNotAMarker)
	}
	return nil
}

// Read implements net.Conn.
func (s *stream) Read(b []byte) (int, error) {
	if err := s.readAnswer(); err != nil {
		return 0, s.readFailed(err)
	}
	n, err := s.quic.Read(b)
	if n > 0 {
		s.pump.alive()
	}
	if err != nil {
		return n, s.readFailed(err)
	}
	return n, nil
}

// AwaitInput implements bridge.Waiter.
func (s *stream) AwaitInput() {
	var first [1]byte
	if _, err := s.quic.Peek(first[:]); err != nil {
		return // Read tells it
	}
}

func (s *stream) readFailed(err error) error {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		s.finish(true, false)
	}
	return s.told("read", err)
}

// Write implements net.Conn.
func (s *stream) Write(b []byte) (int, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	paid, err := s.pay(b)
	if err != nil {
		return 0, s.told("write", err)
	}
	if paid {
		return len(b), nil
	}
	n, err := s.quic.Write(b)
	return n, s.told("write", err)
}

// CloseWrite sends end-of-input; the way back stays open.
func (s *stream) CloseWrite() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.endWrite()
}

// endWrite is called with writing held.
func (s *stream) endWrite() error {
	s.mu.Lock()
	ended := s.writeDone
	s.mu.Unlock()
	if ended {
		return nil
	}
	_, err := s.pay(nil)
	err = errors.Join(err, s.quic.Close())
	s.finish(false, true)
	return err
}

// Close ends both directions. What was written before still arrives, unless a
// Write is under way: then the far end must not take a part for the whole. That the
// far end wants nothing more, or is gone, is no error of closing.
func (s *stream) Close() error {
	s.shut()
	if !s.writing.TryLock() {
		s.Abort()
		return nil
	}
	defer s.writing.Unlock()
	if err := s.endWrite(); err != nil {
		s.pump.net.log.Debug().Err(err).Str("node", s.pump.key.node).Msg("the far end of a stream closed first")
	}
	s.cancelRead()
	s.finish(true, true)
	return nil
}

// Abort ends both directions; the far end reads an error unless it has been sent
// end-of-input before.
func (s *stream) Abort() {
	s.shut()
	s.mu.Lock()
	ended := s.writeDone
	s.mu.Unlock()
	if !ended {
		s.answer.cancel()
		s.quic.CancelWrite(codeAbort)
	}
	s.cancelRead()
	s.finish(true, true)
}

func (s *stream) cancelRead() {
	s.mu.Lock()
	ended := s.readDone
	s.mu.Unlock()
	if !ended {
		s.quic.CancelRead(codeCancelRead)
	}
}

// CloseRead tells the far end that nothing more will be read.
func (s *stream) CloseRead() error {
	s.cancelRead()
	s.finish(true, false)
	return nil
}

// Unread implements bridge.Unreader.
func (s *stream) Unread() <-chan struct{} { return s.quic.Context().Done() }

// finish notes which directions are over, and gives the stream back to its
// session when both are.
func (s *stream) finish(read, write bool) {
	s.mu.Lock()
	s.readDone = s.readDone || read
	s.writeDone = s.writeDone || write
	release := s.readDone && s.writeDone && !s.released
	s.released = s.released || release
	s.mu.Unlock()
	if release {
		s.pump.release()
		s.pump.credit(s.quic)
	}
}

// LocalAddr is a mesh address.
func (s *stream) LocalAddr() net.Addr { return s.local }

// RemoteAddr is a mesh address.
func (s *stream) RemoteAddr() net.Addr { return s.remote }

// SetDeadline implements net.Conn.
func (s *stream) SetDeadline(t time.Time) error { return s.quic.SetDeadline(t) }

// SetReadDeadline implements net.Conn.
func (s *stream) SetReadDeadline(t time.Time) error { return s.quic.SetReadDeadline(t) }

// SetWriteDeadline implements net.Conn.
func (s *stream) SetWriteDeadline(t time.Time) error { return s.quic.SetWriteDeadline(t) }
