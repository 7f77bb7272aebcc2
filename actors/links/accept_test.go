package links

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"receptor/transport"
	"receptor/transport/mem"
)

// scripted is a listener that returns what the test wants.
type scripted struct {
	results chan error // nil is a connection
	closed  chan struct{}
}

func (s *scripted) Accept() (transport.Conn, error) {
	select {
	case err := <-s.results:
		if err != nil {
			return nil, err
		}
		conn, _ := mem.Pipe("a", "b")
		return conn, nil
	case <-s.closed:
		return nil, net.ErrClosed
	}
}

func (s *scripted) Addr() string { return "scripted" }

func (s *scripted) Close() error {
	close(s.closed)
	return nil
}

type told struct {
	accepted int
	failed   []bool // temporary
}

func (r *told) Accepted() { r.accepted++ }

func (r *told) Failed(_ error, temporary bool) { r.failed = append(r.failed, temporary) }

// startScripted starts an acceptor in a bubble.
func startScripted(results ...error) (*acceptor, *told) {
	l := &scripted{results: make(chan error, len(results)), closed: make(chan struct{})}
	for _, err := range results {
		l.results <- err
	}
	report := &told{}
	a := startAcceptor(l, report)
	synctest.Wait()
	return a, report
}

func TestOutOfFileDescriptorsIsNotTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
		a, report := startScripted(full, full, full, nil)
		time.Sleep(time.Second)
		synctest.Wait()
		if report.accepted != 1 || len(report.failed) != 1 || !report.failed[0] {
			t.Errorf("%+v", report)
		}
		if err := a.Stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestLostSocketIsTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, report := startScripted(nil, errors.New("gone"))
		if report.accepted != 1 || len(report.failed) != 1 || report.failed[0] {
			t.Errorf("%+v", report)
		}
		if err := a.Stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestStrangersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, report := startScripted(make([]error, maxStrangers+10)...)
		if report.accepted != maxStrangers {
			t.Errorf("%d accepted", report.accepted)
		}
		_, settled := a.Take()
		settled()
		settled()
		synctest.Wait()
		if report.accepted != maxStrangers+1 {
			t.Errorf("%d accepted after one was settled", report.accepted)
		}
		time.Sleep(transport.Courtesy + time.Millisecond) // the next one is let in for the oldest
		synctest.Wait()
		_, settled = a.Take()
		settled() // it was closed, and its link has ended
		synctest.Wait()
		if report.accepted < maxStrangers+2 {
			t.Errorf("%d accepted after one had to go", report.accepted)
		}
		if err := a.Stop(); err != nil {
			t.Error(err)
		}
		if conn, _ := a.Take(); conn != nil {
			t.Error("a connection is left")
		}
	})
}
