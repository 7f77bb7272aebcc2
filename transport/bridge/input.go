package bridge

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// copyBuffer is large enough that a system call, or a hand-over to QUIC, costs
// little per byte.
const copyBuffer = 128 << 10

// buffers hold what is under way. A direction has one only while there is something
// to read: thousands of idle connections need none.
var buffers = sync.Pool{New: func() any {
	b := make([]byte, copyBuffer)
	return &b
}}

// Waiter is a stream that can wait for input without a place to put it.
type Waiter interface {
	// AwaitInput returns when Read would not wait. What goes wrong, Read tells.
	AwaitInput()
}

// input is what one direction reads from, by one goroutine.
type input struct {
	read func(p []byte) (int, error) // does not wait, if wait is there
	wait func()                      // nil: read waits
	raw  syscall.RawConn             // of sockets; nil: read is called

	try func(fd uintptr) bool // of raw: reads what is there
	buf *[]byte               // where the last piece is; nil if nowhere
	n   int
	err error
}

func newInput(src io.Reader) *input {
	in := &input{read: src.Read}
	switch c := src.(type) {
	case *net.TCPConn, *net.UnixConn: // not any syscall.Conn: others read more than their socket
		in.raw = rawConn(c.(net.Conn))
		in.try = in.tryRead
	case Waiter:
		in.wait = c.AwaitInput
	}
	return in
}

// next waits for a piece, which is good until done is called. The error may come
// with a piece; the end of input is io.EOF.
func (in *input) next() ([]byte, error) {
	switch {
	case in.raw != nil:
		in.n, in.err = 0, nil
		if err := in.raw.Read(in.try); err != nil {
			return nil, err
		}
	default:
		if in.wait != nil {
			in.wait()
		}
		in.buf = buffers.Get().(*[]byte)
		in.n, in.err = in.read(*in.buf)
	}
	if in.n <= 0 {
		return nil, in.err
	}
	return (*in.buf)[:in.n], in.err
}

// done gives the place of the last piece back.
func (in *input) done() {
	if in.buf != nil {
		buffers.Put(in.buf)
		in.buf = nil
	}
}

// tryRead reports false if there is nothing to read yet.
func (in *input) tryRead(fd uintptr) bool {
	in.buf = buffers.Get().(*[]byte)
	for {
		in.n, in.err = unix.Read(int(fd), *in.buf)
		switch {
		case errors.Is(in.err, unix.EINTR):
			continue
		case errors.Is(in.err, unix.EAGAIN):
			in.done()
			return false
		case in.err != nil:
			in.err = os.NewSyscallError("read", in.err)
		case in.n == 0:
			in.err = io.EOF
		}
		return true
	}
}
