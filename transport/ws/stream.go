package ws

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"receptor/transport/internal/socket"
)

const (
	// readAhead is how much one read may bring.
	readAhead = 256 << 10
	// maxControl bounds what waits to be written besides batches: answers to pings.
	maxControl = 64 << 10
	// farewell bounds the writing of a close frame.
	farewell = time.Second

	opcodeMask, opcodeClose = 0x0f, 8
)

var errNotReading = errors.New("the neighbour sends pings and does not read the answers")

// stream is the byte stream below a WebSocket. The link's writer holds it, has the
// library put messages into it, and releases it. What the library writes at other
// times is control frames, from the reading goroutine; nobody waits for those.
//
//	hold ── Write ── Write ── release: one write
//	        Write: a goroutine writes it
type stream struct {
	net.Conn
	r *socket.Ahead

	mu      sync.Mutex
	idle    sync.Cond // not writing
	out     []byte
	spare   []byte
	holding bool
	writing bool // somebody writes to Conn, outside the lock
}

// newStream reads r ahead of conn.
func newStream(conn net.Conn, r io.Reader) *stream {
	s := &stream{Conn: conn, r: socket.NewAhead(r, readAhead)}
	s.idle.L = &s.mu
	return s
}

// Read tells the end of the stream as io.ErrUnexpectedEOF. The library takes
// io.EOF for the end of the message it is in.
func (s *stream) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Write takes whole frames, and pieces of long ones while the stream is held.
func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.holding && len(s.out)+len(p) > maxControl {
		return 0, errNotReading
	}
	s.out = append(s.out, p...)
	if s.holding || s.writing || len(p) == 0 {
		return len(p), nil
	}
	if p[0]&opcodeMask == opcodeClose { // the library closes the connection next
		return len(p), errors.Join(s.SetWriteDeadline(time.Now().Add(farewell)), s.flush())
	}
	s.writing = true
	go s.flushLater()
	return len(p), nil
}

// hold begins a batch.
func (s *stream) hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.writing {
		s.idle.Wait()
	}
	s.holding = true
}

// held is how much was collected, in bytes.
func (s *stream) held() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.out)
}

// release writes the batch.
func (s *stream) release() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holding = false
	return s.flush()
}

// flushLater writes control frames.
func (s *stream) flushLater() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.flush(); err != nil {
		s.Conn.Close() // the reader and the writer learn it from there
	}
}

// flush writes until nothing is left, with the lock released meanwhile.
func (s *stream) flush() error {
	s.writing = true
	defer func() {
		s.writing = false
		s.idle.Broadcast()
	}()
	for len(s.out) > 0 {
		batch := s.out
		s.out = s.spare[:0]
		s.mu.Unlock()
		_, err := s.Conn.Write(batch)
		s.mu.Lock()
		s.spare = batch
		if err != nil {
			return err
		}
	}
	return nil
}
