package links

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"receptor/test/probe"
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

// Strangers can't fill the log, and what neighbours do is told all the same.
func TestStrangersCostFewLines(t *testing.T) {
	probe.Bubble(t, func(t *testing.T, s *probe.Stage) {
		net := mem.NewNetwork()
		b := startSide(s, "b", listenAt(net, "b"))
		knock := func(says ...[]byte) {
			conn := dialRaw(t, net, "x", "b")
			conn.write(t, says...)
			s.Settle()
			if err := conn.Close(); err != nil {
				t.Error(err)
			}
		}
		const strangers = 300
		for range strangers {
			knock([]byte{9}, []byte("\x01garbage"))
		}
		if n := b.log.count("warn"); n < 10 || n > 30 {
			t.Errorf("%d lines for %d strangers", n, strangers)
		}
		conn := dialRaw(t, net, "a", "b")
		conn.write(t, update("a", nil))
		b.up(t, "a", 1)
		s.Settle()
		conn.write(t, []byte{9})
		s.Settle()
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		b.down(t, "a")
		s.Settle()
		for _, want := range []string{"Connection established with a", "Unknown message type", "Backend connection exited"} {
			if !b.log.last(4, want) {
				t.Errorf("of the neighbour the log does not tell: %q", want)
			}
		}
	})
}
