package links

import (
	"context"
	"errors"
	"syscall"
	"time"

	"receptor/transport"
)

const (
	// maxStrangers bounds the connections of one listener that no neighbour stands
	// behind yet. Each is given up after 10 s, or when others want the place.
	maxStrangers = 1024
	// acceptPause is the wait after a failure that is not the socket's.
	acceptPause = 200 * time.Millisecond
)

// acceptReports is what an acceptor tells its owner. Failed with temporary false
// comes once, last, and not at all after Stop.
type acceptReports interface {
	Accepted()
	Failed(err error, temporary bool)
}

// acceptor is a listening socket and the goroutine that blocks on it. It knows
// nothing of actors.
type acceptor struct {
	listener  transport.Listener
	report    acceptReports
	cancel    context.CancelFunc
	done      chan struct{}
	strangers *transport.Crowd // the connections that are not settled
	accepted  chan transport.Conn
}

func startAcceptor(l transport.Listener, report acceptReports) *acceptor {
	ctx, cancel := context.WithCancel(context.Background())
	a := &acceptor{
		listener: l, report: report, cancel: cancel, done: make(chan struct{}),
		strangers: transport.NewCrowd(maxStrangers), accepted: make(chan transport.Conn, maxStrangers),
	}
	go a.run(ctx)
	return a
}

// Take returns a connection that was accepted, and what to call when it is a
// neighbour's or at its end; nil when there is none.
func (a *acceptor) Take() (conn transport.Conn, settled func()) {
	select {
	case conn := <-a.accepted:
		return conn, func() { a.strangers.Leave(conn) }
	default:
		return nil, nil
	}
}

// Stop closes the socket, waits for the goroutine and closes what nobody took.
func (a *acceptor) Stop() error {
	a.cancel()
	err := a.listener.Close()
	<-a.done
	for conn, settled := a.Take(); conn != nil; conn, settled = a.Take() {
		err = errors.Join(err, conn.Close())
		settled()
	}
	return err
}

func (a *acceptor) run(ctx context.Context) {
	defer close(a.done)
	for {
		conn, err := a.next(ctx)
		if err != nil {
			if ctx.Err() == nil {
				a.report.Failed(err, false)
			}
			return
		}
		if !a.strangers.Enter(conn, ctx.Done()) {
			_ = conn.Close() // all is over
			return
		}
		a.accepted <- conn // has room for as many as there are strangers
		a.report.Accepted()
	}
}

// next waits for a connection. Being out of file descriptors is no reason to end
// a listener and all its links with it.
func (a *acceptor) next(ctx context.Context) (transport.Conn, error) {
	told := false
	for {
		conn, err := a.listener.Accept()
		if err == nil || ctx.Err() != nil || !temporary(err) {
			return conn, err
		}
		if !told {
			told = true
			a.report.Failed(err, true)
		}
		select {
		case <-time.After(acceptPause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func temporary(err error) bool {
	for _, known := range []error{
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.EINTR,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}
