package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"receptor/actors/control/command"
	controlv1 "receptor/proto/control/v1"
	"receptor/transport"
	"receptor/transport/bridge"
)

// sessionSink is where a session meets the mailbox of its connection.
type sessionSink struct {
	root *actor.RootContext
	conn *actor.PID
}

func (s sessionSink) line(line []byte) { s.root.Send(s.conn, &controlv1.LineReceived{Line: line}) }

func (s sessionSink) refused(text string) {
	s.root.Send(s.conn, &controlv1.LineRefused{Text: text})
}

func (s sessionSink) stored(err error) {
	m := &controlv1.PayloadStored{}
	if err != nil {
		m.Error = err.Error()
	}
	s.root.Send(s.conn, m)
}

func (s sessionSink) ended(err error) {
	m := &controlv1.SessionEnded{}
	if err != nil && !errors.Is(err, io.EOF) {
		m.End, m.Text = controlv1.SessionEnd_SESSION_END_LOST, err.Error()
	}
	s.root.Send(s.conn, m)
}

// An order is what the connection tells its session to do after a report. It says
// what comes next, or why the session ends (io.EOF: because it is done).
type order func() (next, error)

// next is what a session does after an order.
type next int

const (
	readLine  next = iota // read the next command
	waitOrder             // something was reported, the connection answers again
)

// idleLimit is how long a session may go without a command. Between commands there is
// no reason to stay: clients connect again for the next one.
const idleLimit = time.Hour

// session is the data side of a connection: a goroutine that reads a line,
// reports it, and does what it is told. Its order methods are called by the
// connection, once for each report, and never wait.
type session struct {
	conn   transport.StreamConn
	seat   *seat
	in     *lineReader
	report sessionSink
	orders chan order
	midway atomic.Bool // in a stream whose end would look like its natural one
	idle   atomic.Bool // waits for a line
	ending atomic.Bool // no more lines

	ctx    context.Context // ends with stop, or when the client is found gone
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

func startSession(place *seat, banner []byte, b *budget, report sessionSink) *session {
	conn := place.conn
	s := &session{conn: conn, seat: place, in: newLineReader(conn, b), report: report, orders: make(chan order, 1)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.wg.Go(func() {
		err := s.run(banner)
		s.in.done()
		_ = conn.Close() // all that mattered was written, and checked, before
		report.ended(err)
	})
	return s
}

// stop ends the session and waits for its goroutines.
func (s *session) stop() {
	s.cancel()
	if s.midway.Load() {
		bridge.Abort(s.conn)
	}
	_ = s.conn.Close() // only to wake who reads or writes
	s.wg.Wait()
}

// finishSoon has the session end after what it does now. It reports whether it does
// nothing.
func (s *session) finishSoon() bool {
	s.ending.Store(true)
	return s.idle.Load()
}

func (s *session) run(banner []byte) error {
	if err := s.write(banner); err != nil {
		if s.seat.lost.Load() {
			return io.EOF // amid its hand-shake
		}
		return err
	}
	for {
		s.seat.offer()
		s.idle.Store(true)
		if s.ending.Load() {
			return io.EOF
		}
		line, err := s.listen()
		s.idle.Store(false)
		var refused *refusedError
		switch {
		case !s.seat.keep():
			return s.giveWay(err)
		case errors.Is(err, os.ErrDeadlineExceeded):
			return s.leave(fmt.Sprintf("no command for %v: the session is closed", idleLimit))
		case errors.As(err, &refused):
			s.report.refused(refused.text)
		case err != nil:
			return err
		default:
			s.report.line(line)
		}
		if err := s.obey(); err != nil {
			return err
		}
	}
}

// listen reads a line, which has to be there as a whole within idleLimit.
func (s *session) listen() ([]byte, error) {
	if err := s.conn.SetReadDeadline(time.Now().Add(idleLimit)); err != nil {
		return nil, err
	}
	if s.seat.lost.Load() {
		return nil, os.ErrDeadlineExceeded
	}
	line, err := s.in.next()
	if err != nil {
		return nil, err
	}
	return line, s.conn.SetReadDeadline(time.Time{}) // a command may take its time
}

// giveWay ends a session whose place another client has got; err is what listen said.
func (s *session) giveWay(err error) error {
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return io.EOF // it has gone itself
	}
	return s.leave("too many control connections, and this one was idle for longest: the session is closed, connect again")
}

// leave says why the session ends, to whoever reads it.
func (s *session) leave(why string) error {
	if err := s.conn.SetWriteDeadline(time.Now().Add(refusePatience)); err != nil {
		return err
	}
	if err := s.write(command.Error(why)); err != nil {
		return err
	}
	return io.EOF
}

// obey carries out orders until the next line is due.
func (s *session) obey() error {
	for {
		select {
		case do := <-s.orders:
			s.in.done() // the connection has understood the line
			if then, err := do(); err != nil || then == readLine {
				return err
			}
		case <-s.ctx.Done():
			return io.EOF
		}
	}
}

// give hands an order over. There is room for it: the session waits.
func (s *session) give(do order) {
	select {
	case s.orders <- do:
	default:
		panic("control: an order for a session that does not wait")
	}
}

func (s *session) write(b []byte) error {
	_, err := s.conn.Write(b)
	return err
}

// reply writes a line; the next command may follow.
func (s *session) reply(line []byte) {
	s.give(func() (next, error) { return readLine, s.write(line) })
}

// compute writes a line that takes its time to make.
func (s *session) compute(line func(ctx context.Context) []byte) {
	s.give(func() (next, error) { return readLine, s.write(line(s.ctx)) })
}
