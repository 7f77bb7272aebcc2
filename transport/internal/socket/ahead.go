package socket

import (
	"bufio"
	"io"
)

// littleAhead is how much is read ahead until somebody sends much.
const littleAhead = 4 << 10

// Ahead reads ahead of its user, so that what came together costs one read. Strangers
// that say little cost little: the buffer gets its size when a small one was full.
type Ahead struct {
	src  io.Reader
	r    *bufio.Reader
	size int // of the buffer to come; 0 when it is there
	full bool
}

// NewAhead reads from src through a buffer that grows to size bytes.
func NewAhead(src io.Reader, size int) *Ahead {
	return &Ahead{src: src, r: bufio.NewReaderSize(src, littleAhead), size: size}
}

// Buffer is what Read takes from. It is good until the first Read.
func (a *Ahead) Buffer() *bufio.Reader { return a.r }

// Read implements io.Reader.
func (a *Ahead) Read(p []byte) (int, error) {
	if a.full && a.r.Buffered() == 0 {
		a.r, a.size, a.full = bufio.NewReaderSize(a.src, a.size), 0, false
	}
	n, err := a.r.Read(p)
	if a.size > 0 && n+a.r.Buffered() >= littleAhead {
		a.full = true
	}
	return n, err
}
