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

	// crowdedEvery is how often it is told that clients are turned away, or make room.
	crowdedEvery = time.Minute

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

func (s acceptSink) madeRoom(clients int64) {
	s.root.Send(s.listener, &controlv1.ClientsMadeRoom{Incarnation: s.incarnation, Clients: clients})
}

func (s acceptSink) lost(err error) {
	s.root.Send(s.listener, &controlv1.SocketLost{Incarnation: s.incarnation, Text: err.Error()})
}

// acceptor owns a listening socket. Accepted connections wait in it until the
// listener actor takes them; their number is bounded by the crowd.
type acceptor struct {
	socket transport.StreamListener
	report acceptSink
	banner []byte
	crowd  *transport.Crowd // of the seats of all living connections
	seats  chan *seat
	refuse chan struct{} // one token per client that is being refused

	toldAway time.Time // when it was last said that clients are turned away
	toldRoom time.Time // and that some made room
	madeRoom int64     // since then

	ctx    context.Context // ends with stop
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

func startAcceptor(socket transport.StreamListener, limit int, banner []byte, report acceptSink) *acceptor {
	a := &acceptor{
		socket: socket, report: report, banner: banner,
		crowd: transport.NewCrowd(limit), seats: make(chan *seat, untaken),
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

// admit hands the connection on. When there are too many it takes the place of the
// one that has been idle for longest, and is refused if all are at something.
func (a *acceptor) admit(conn transport.StreamConn) {
	s := &seat{conn: conn, crowd: a.crowd, given: a.roomMade}
	switch entered := a.crowd.Enter(s, a.ctx.Done()); {
	case entered:
	case a.ctx.Err() != nil:
		_ = conn.Close() // nobody has spoken to it yet
		return
	default:
		a.turnAway(conn)
		return
	}
	select {
	case a.seats <- s:
		a.report.accepted()
	case <-a.ctx.Done():
		_ = conn.Close() // nobody has spoken to it yet
	}
}

// roomMade is called for each client that makes room, while another one enters.
func (a *acceptor) roomMade() {
	a.madeRoom++
	if time.Since(a.toldRoom) > crowdedEvery {
		a.report.madeRoom(a.madeRoom)
		a.toldRoom, a.madeRoom = time.Now(), 0
	}
}

// turnAway tells the client why. It waits a little for the client to read it: a
// socket that is closed with unread input may lose what was written.
func (a *acceptor) turnAway(conn transport.StreamConn) {
	if time.Since(a.toldAway) > crowdedEvery {
		a.toldAway = time.Now()
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
func (a *acceptor) take() (*seat, bool) {
	select {
	case s := <-a.seats:
		return s, true
	default:
		return nil, false
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
		s, ok := a.take()
		if !ok {
			return err
		}
		_ = s.conn.Close() // nobody has spoken to it yet
	}
}
