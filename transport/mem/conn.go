package mem

import (
	"io"
	"net"
	"sync"
	"syscall"

	"receptor/transport"
	"receptor/transport/frame"
)

// pipeFrames is how many frames one direction holds before the writer waits.
const pipeFrames = 256

// wire is what the two ends of a connection share.
type wire struct {
	muted  *mute
	broken chan struct{}
	snap   func() // breaks it: both ends see a reset
}

// end is one side of a connection.
type end struct {
	*wire
	in, out  chan *frame.Buf
	remote   string
	closed   chan struct{} // this side
	far      chan struct{} // the other side
	closeOne func()
}

var _ transport.Conn = (*end)(nil)

// Pipe returns the two ends of a connection between end points called a and b.
func Pipe(a, b string) (transport.Conn, transport.Conn) {
	return pipe(a, b, &mute{})
}

func pipe(a, b string, m *mute) (*end, *end) {
	w := &wire{muted: m, broken: make(chan struct{})}
	w.snap = sync.OnceFunc(func() { close(w.broken) })
	ab, ba := make(chan *frame.Buf, pipeFrames), make(chan *frame.Buf, pipeFrames)
	aClosed, bClosed := make(chan struct{}), make(chan struct{})
	return &end{
			wire: w, in: ba, out: ab, remote: b, closed: aClosed, far: bClosed,
			closeOne: sync.OnceFunc(func() { close(aClosed) }),
		}, &end{
			wire: w, in: ab, out: ba, remote: a, closed: bClosed, far: aClosed,
			closeOne: sync.OnceFunc(func() { close(bClosed) }),
		}
}

// ReadFrame returns what the far end wrote, also what it wrote before it closed,
// and then io.EOF.
func (e *end) ReadFrame() (*frame.Buf, error) {
	if err := e.over(); err != nil {
		return nil, err
	}
	select {
	case f := <-e.in:
		return f, nil
	case <-e.closed:
		return nil, net.ErrClosed
	case <-e.broken:
		return nil, syscall.ECONNRESET
	case <-e.far:
	}
	select {
	case f := <-e.in:
		return f, nil
	default:
		return nil, io.EOF
	}
}

// WriteFrames copies the batch; it waits while the far end is behind.
func (e *end) WriteFrames(batch []*frame.Buf) error {
	for _, f := range batch {
		if err := e.over(); err != nil {
			return err
		}
		if e.muted.on.Load() {
			continue
		}
		if err := e.put(frame.Copy(f.Bytes())); err != nil {
			return err
		}
	}
	return nil
}

func (e *end) put(f *frame.Buf) error {
	select {
	case <-e.far:
		f.Free()
		return io.ErrClosedPipe
	default:
	}
	select {
	case e.out <- f:
		return nil
	case <-e.closed:
		f.Free()
		return net.ErrClosed
	case <-e.broken:
		f.Free()
		return syscall.ECONNRESET
	case <-e.far:
		f.Free()
		return io.ErrClosedPipe
	}
}

// over is the error of using an end that is closed, or whose connection broke.
func (e *end) over() error {
	select {
	case <-e.closed:
		return net.ErrClosed
	default:
	}
	select {
	case <-e.broken:
		return syscall.ECONNRESET
	default:
		return nil
	}
}

// MaxFrame is that of TCP.
func (e *end) MaxFrame() int { return frame.MaxLen }

// RemoteAddr is the name of the far end.
func (e *end) RemoteAddr() string { return e.remote }

// Close ends both directions. Closing twice is no error.
func (e *end) Close() error {
	e.closeOne()
	return nil
}
