package control

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"golang.org/x/sys/unix"

	"receptor/actors/control/command"
	controlv1 "receptor/proto/control/v1"
	"receptor/transport"
)

const (
	// untaken connections may wait for the listener actor.
	untaken = 64
	// refusing clients at a time get the reason, any more are only closed.
	refusing       = 16
	refusePatience = 2 * time.Second

	// turnedAwayEvery is how often it is told that clients are turned away.
	turnedAwayEvery = time.Minute

	acceptWaitMin = 5 * time.Millisecond
	acceptWaitMax = time.Second
)

// acceptSink is where an accept loop meets the mailbox of its listener.
type acceptSink struct {
	root        *actor.RootContext
	listener    *actor.PID
	incarnation uint64
}

func (s acceptSink) accepted() {
	s.root.Send(s.listener, &controlv1.ConnAccepted{Incarnation: s.incarnation})
}

func (s acceptSink) delayed(err error, wait time.Duration) {
	s.root.Send(s.listener, &controlv1.AcceptDelayed{
		Incarnation: s.incarnation, Text: err.Error(), WaitMs: wait.Milliseconds(),
	})
}

func (s acceptSink) turnedAway() {
	s.root.Send(s.listener, &controlv1.ClientsTurnedAway{Incarnation: s.incarnation})
}

func (s acceptSink) lost(err error) {
	s.root.Send(s.listener, &controlv1.SocketLost{Incarnation: s.incarnation, Text: err.Error()})
}

// acceptor owns a listening socket. Accepted connections wait in it until the
// listener actor takes them; their number is bounded by slots.
type acceptor struct {
	socket transport.StreamListener
	report acceptSink
	banner []byte
	slots  chan struct{} // one token per living connection
	conns  chan transport.StreamConn
	refuse chan struct{} // one token per client that is being refused
	told   time.Time     // when it was last said that clients are turned away

	ctx    context.Context // ends with stop
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

func startAcceptor(socket transport.StreamListener, limit int, banner []byte, report acceptSink) *acceptor {
	a := &acceptor{
		socket: socket, report: report, banner: banner,
		slots: make(chan struct{}, limit), conns: make(chan transport.StreamConn, untaken),
		refuse: make(chan struct{}, refusing),
	}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	a.wg.Go(a.run)
	return a
}

func (a *acceptor) run() {
	wait := acceptWaitMin
	for {
		conn, err := a.socket.Accept()
		switch {
		case err == nil:
			wait = acceptWaitMin
			a.admit(conn)
		case a.ctx.Err() != nil:
			return
		case passes(err):
			a.report.delayed(err, wait)
			if !a.pause(wait) {
				return
			}
			wait = min(2*wait, acceptWaitMax)
		default:
			a.report.lost(err)
			return
		}
	}
}

// passes reports whether accepting can work again with the same socket. Giving
// the socket up would take all its connections along.
func passes(err error) bool {
	for _, e := range []error{
		unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM, unix.ECONNABORTED, unix.EINTR, unix.EPERM, unix.EPROTO,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func (a *acceptor) pause(wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-a.ctx.Done():
		return false
	}
}

// admit hands the connection on, or refuses it when there are too many.
func (a *acceptor) admit(conn transport.StreamConn) {
	select {
	case a.slots <- struct{}{}:
	default:
		a.turnAway(conn)
		return
	}
	select {
	case a.conns <- conn:
		a.report.accepted()
	case <-a.ctx.Done():
		_ = conn.Close() // nobody has spoken to it yet
	}
}

// turnAway tells the client why. It waits a little for the client to read it: a
// socket that is closed with unread input may lose what was written.
func (a *acceptor) turnAway(conn transport.StreamConn) {
	if time.Since(a.told) > turnedAwayEvery {
		a.told = time.Now()
		a.report.turnedAway()
	}
	select {
	case a.refuse <- struct{}{}:
	default:
		_ = conn.Close() // a flood; the reason would cost too much
		return
	}
	a.wg.Go(func() {
		defer func() { <-a.refuse }()
		release := context.AfterFunc(a.ctx, func() { _ = conn.Close() })
		defer release()
		defer func() { _ = conn.Close() }() // it has heard what there is to say
		reason := append(append([]byte{}, a.banner...), command.Error("too many control connections")...)
		if conn.SetDeadline(time.Now().Add(refusePatience)) != nil {
			return
		}
		if _, err := conn.Write(reason); err != nil || conn.CloseWrite() != nil {
			return
		}
		_, _ = io.Copy(io.Discard, conn) // until the client closes or patience ends
	})
}

// take returns a waiting connection.
func (a *acceptor) take() (transport.StreamConn, bool) {
	select {
	case conn := <-a.conns:
		return conn, true
	default:
		return nil, false
	}
}

// release gives back the slot of a connection that ended.
func (a *acceptor) release() {
	select {
	case <-a.slots:
	default:
	}
}

// stop closes the socket and waits for all goroutines.
func (a *acceptor) stop() error { return a.end(a.socket.Close) }

// retire is stop that lets clients finish, also where they share what the socket is
// made of.
func (a *acceptor) retire() error {
	if r, ok := a.socket.(transport.Retirer); ok {
		return a.end(r.Retire)
	}
	return a.stop()
}

func (a *acceptor) end(shut func() error) error {
	a.cancel()
	err := shut()
	a.wg.Wait()
	for {
		conn, ok := a.take()
		if !ok {
			return err
		}
		_ = conn.Close() // nobody has spoken to it yet
	}
}
