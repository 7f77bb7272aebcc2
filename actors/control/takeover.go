package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"receptor/actors/control/command"
	workv1 "receptor/proto/work/v1"
	"receptor/transport"
	"receptor/transport/bridge"
)

// copyBuffer is what a payload travels in.
const copyBuffer = 256 << 10

// drainPatience is how long a client may still send after its answer.
const drainPatience = 30 * time.Second

var copyBuffers = sync.Pool{New: func() any { b := make([]byte, copyBuffer); return &b }}

// errLeft is a client that may have been killed amid its payload: had it been at the
// end it would have closed one side of the connection and waited for the answer.
var errLeft = errors.New("the client closed the connection before the answer: its payload may be incomplete")

// takePayload writes the header and copies the rest of the input into the file at
// path. The end of input ends the payload; a reset does not, nor does the end of
// the client, where it can be told from the end of input: that is on Unix sockets
// and streams of the mesh, but not over TCP.
func (s *session) takePayload(header []byte, path string, trace func()) {
	s.give(func() (next, error) {
		err := s.write(header)
		if err == nil {
			err = storePayload(s.in.r, path)
		}
		if err == nil && bridge.HasHungUp(s.conn) {
			err = errLeft
		}
		if err == nil {
			trace()
		}
		s.report.stored(err)
		return waitOrder, nil
	})
}

// storePayload copies all of r into a file, and has it on disk when it returns.
func storePayload(r io.Reader, path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	buf := copyBuffers.Get().(*[]byte)
	defer copyBuffers.Put(buf)
	// The struct hides the ReadFrom of the file, which would go through a pipe.
	n, err := io.CopyBuffer(struct{ io.Writer }{f}, struct{ io.Reader }{r}, *buf)
	if err == nil && n > 0 {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// finish writes the last line of the session. What the client still sends is
// read and thrown away for a while, so that it gets to reading the line.
func (s *session) finish(line []byte) {
	s.give(func() (next, error) {
		if err := s.write(line); err != nil {
			return readLine, err
		}
		if err := s.conn.CloseWrite(); err != nil {
			return readLine, err
		}
		if err := s.conn.SetReadDeadline(time.Now().Add(drainPatience)); err != nil {
			return readLine, err
		}
		if _, err := io.Copy(io.Discard, s.in.r); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return readLine, err
		}
		return readLine, io.EOF
	})
}

// stream writes the header and lets run write the rest of the session.
func (s *session) stream(header []byte, run func(ctx context.Context, w io.Writer) error) {
	s.give(func() (next, error) { return s.streamNow(header, run) })
}

// streamNow is stream within an order.
func (s *session) streamNow(header []byte, run func(ctx context.Context, w io.Writer) error) (next, error) {
	if err := s.write(header); err != nil {
		return readLine, err
	}
	s.midway.Store(true)
	if err := s.minding(func() error { return run(s.ctx, s.conn) }); err != nil {
		bridge.Abort(s.conn) // nobody is to take a part for the whole
		return readLine, err
	}
	s.midway.Store(false)
	return readLine, io.EOF
}

// results streams the output of a unit.
func (s *session) results(feeds Feeds, unit string, offset int64) {
	s.stream(command.Streaming(unit), func(ctx context.Context, w io.Writer) error {
		if offset < 0 {
			return nil // there is nothing before the beginning
		}
		if err := feeds.CopyResults(ctx, unit, offset, w); err != nil && ctx.Err() == nil {
			return fmt.Errorf("results of %s: %w", unit, err)
		}
		return nil
	})
}

// watch writes the status of a unit at each change. If the unit disappears, the
// last line says so.
func (s *session) watch(feeds Feeds, unit string) {
	s.stream(nil, func(ctx context.Context, w io.Writer) error {
		var broken error
		err := feeds.WatchStatus(ctx, unit, func(status *workv1.Status) error {
			_, broken = w.Write(command.UnitReply(status))
			return broken
		})
		if err == nil || broken != nil || ctx.Err() != nil {
			return broken
		}
		_, err = w.Write(command.Error(err.Error()))
		return err
	})
}

// connect opens a stream to a service and joins it to the client. If that fails
// the client reads why, and the next command may follow.
func (s *session) connect(cfg Config, r command.Connect) {
	s.give(func() (next, error) {
		far, err := cfg.Dial(s.ctx, r.Node, r.Service, r.TLS)
		if err != nil {
			return readLine, s.write(command.Error(err.Error()))
		}
		release := context.AfterFunc(s.ctx, func() { bridge.Abort(far) })
		defer release()
		if err := s.write([]byte(command.Connecting)); err != nil {
			return readLine, errors.Join(err, far.Close())
		}
		s.midway.Store(true)
		if err := bridge.Bridge(s.rest(), far, cfg.Trace); err != nil {
			return readLine, err
		}
		return readLine, io.EOF
	})
}

// rest is the connection from where the commands end.
func (s *session) rest() transport.StreamConn {
	if s.in.r.Buffered() == 0 {
		return s.conn
	}
	return &restConn{s.conn, s.in.r}
}

// restConn reads what was buffered first.
type restConn struct {
	transport.StreamConn
	r io.Reader
}

func (c *restConn) Read(p []byte) (int, error) { return c.r.Read(p) }

// Abort breaks the connection off.
func (c *restConn) Abort() { bridge.Abort(c.StreamConn) }

// CloseRead tells the client that nothing more is read, where that is possible.
func (c *restConn) CloseRead() error {
	if t, ok := c.StreamConn.(interface{ CloseRead() error }); ok {
		return t.CloseRead()
	}
	return nil
}
