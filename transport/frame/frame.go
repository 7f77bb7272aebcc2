// Package frame knows where a frame ends: the length prefix of stream
// transports, and the pooled memory in which frames travel.
//
//	┌────────────┬──────────────┐
//	│ length     │ message      │   length: 2 bytes, little-endian, unsigned
//	└────────────┴──────────────┘
package frame

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
)

const (
	// MaxLen is the longest message a length prefix can announce, in bytes.
	MaxLen = 1<<16 - 1
	// PrefixLen is the size of the length prefix, in bytes.
	PrefixLen = 2

	smallCap = 2048
	// strangerBuffer is enough for the first message of a neighbour, mostly.
	strangerBuffer = 4 << 10
)

// ErrTooLong is a message that no length prefix can announce.
var ErrTooLong = errors.New("message longer than 65535 bytes")

// Buf is one message in pooled memory. It has one owner at a time; handing it on
// hands over the duty to Free it.
type Buf struct {
	b     []byte
	array []byte
	pool  *sync.Pool
}

var (
	smallPool = newPool(smallCap)
	largePool = newPool(MaxLen)
)

func newPool(size int) *sync.Pool {
	p := &sync.Pool{}
	p.New = func() any { return &Buf{array: make([]byte, size), pool: p} }
	return p
}

// New returns a Buf with n bytes of unspecified content, n at most MaxLen.
func New(n int) *Buf {
	pool := smallPool
	if n > smallCap {
		pool = largePool
	}
	b := pool.Get().(*Buf)
	b.b = b.array[:n]
	return b
}

// Copy returns a Buf with a copy of msg, at most MaxLen bytes.
func Copy(msg []byte) *Buf {
	b := New(len(msg))
	copy(b.b, msg)
	return b
}

// Bytes is the message. It is valid until Free.
func (b *Buf) Bytes() []byte { return b.b }

// Len is the length of the message in bytes.
func (b *Buf) Len() int { return len(b.b) }

// Truncate shortens the message to n bytes.
func (b *Buf) Truncate(n int) { b.b = b.b[:n] }

// Free gives the memory back. The caller must not touch b again.
func (b *Buf) Free() { b.pool.Put(b) }

// Append appends the framed msg to dst.
func Append(dst, msg []byte) ([]byte, error) {
	if len(msg) > MaxLen {
		return dst, fmt.Errorf("frame of %d bytes: %w", len(msg), ErrTooLong)
	}
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(msg)))
	return append(dst, msg...), nil
}

// Reader takes messages off a byte stream.
type Reader struct {
	r    *bufio.Reader
	src  io.Reader // until the buffer has its full size
	size int
	told bool // a message has come
}

// NewReader reads from r through a buffer of size bytes: as many frames as it
// holds cost one read. It gets that size after the first message: strangers that say
// nothing cost little.
func NewReader(r io.Reader, size int) *Reader {
	return &Reader{r: bufio.NewReaderSize(r, min(size, strangerBuffer)), src: r, size: size}
}

// grow gives the buffer its size, and what it holds. A buffer can read all it has.
func (r *Reader) grow() {
	rest := make([]byte, r.r.Buffered())
	_, _ = io.ReadFull(r.r, rest)
	src := r.src
	if len(rest) > 0 {
		src = io.MultiReader(bytes.NewReader(rest), src)
	}
	r.r, r.src = bufio.NewReaderSize(src, r.size), nil
}

// Next returns the next message, which may be empty. It returns io.EOF at the
// end between frames and io.ErrUnexpectedEOF inside one.
func (r *Reader) Next() (*Buf, error) {
	if r.told && r.src != nil {
		r.grow()
	}
	prefix, err := r.r.Peek(PrefixLen)
	if err != nil {
		if len(prefix) > 0 && errors.Is(err, io.EOF) {
			return nil, io.ErrUnexpectedEOF
		}
		return nil, err
	}
	n := int(binary.LittleEndian.Uint16(prefix))
	if _, err := r.r.Discard(PrefixLen); err != nil {
		return nil, err
	}
	b := New(n)
	if _, err := io.ReadFull(r.r, b.b); err != nil {
		b.Free()
		if errors.Is(err, io.EOF) {
			return nil, io.ErrUnexpectedEOF
		}
		return nil, err
	}
	r.told = true
	return b, nil
}
