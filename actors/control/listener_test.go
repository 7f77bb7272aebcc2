package control

import (
	"errors"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	routerv1 "receptor/proto/router/v1"
	"receptor/test/probe"
	"receptor/transport"
)

func pid(s *probe.Stage, id string) *actor.PID { return s.System().NewLocalPID(id) }

// ports remembers where the TCP listener of a test is.
var ports sync.Map

// knownPort is a binding to a free port of loopback.
func knownPort(t *testing.T) *transport.Binding[transport.StreamListener] {
	return transport.NewBinding(func() (transport.StreamListener, error) {
		l, err := ListenTCP("127.0.0.1:0", nil, zerolog.Nop()).Open()
		if err == nil {
			ports.Store(t.Name(), l.Addr().String())
		}
		return l, err
	})
}

func portOf(t *testing.T) string {
	addr, ok := ports.Load(t.Name())
	if !ok {
		t.Fatal("no port")
	}
	return addr.(string)
}

// Those that are at something stay.
func TestTooManyClientsAreToldSo(t *testing.T) {
	log := &probe.Text{}
	few := func(cfg *Config) { cfg.Listeners.Load()[0].MaxConns, cfg.Log = 2, zerolog.New(log) }
	live(t, few, func(t *testing.T, w *world) {
		finish := make(chan struct{})
		w.work.feedLate("u", finish)
		one, two := w.client(), w.client()
		one.ask("work results u", "Streaming results for work unit u")
		two.ask("work results u", "Streaming results for work unit u")
		three := w.client()
		three.expect("ERROR: too many control connections\n")
		three.expectEnd()
		two.close()
		eventually(t, func() bool {
			c := w.client()
			c.halfClose()
			line, err := c.r.ReadString('\n')
			return line == "" && err != nil
		})
		close(finish)
		if rest := <-one.rest(); rest != "late" {
			t.Errorf("the results end with %q", rest)
		}
		eventually(t, func() bool { return strings.Contains(log.String(), "too many control connections") })
		if n := strings.Count(log.String(), "too many control connections"); n != 1 {
			t.Errorf("it is said %d times", n)
		}
	})
}

func TestAcceptBurst(t *testing.T) {
	live(t, nil, func(t *testing.T, w *world) {
		var clients []*client
		for range 300 {
			clients = append(clients, dial(t, "unix", w.path))
		}
		for _, c := range clients {
			c.expect("Receptor Control, node foo\n")
			c.ask("nosuch", "ERROR: Unknown command")
		}
	})
}

// faultySocket fails as it is told to.
type faultySocket struct {
	transport.StreamListener
	errs chan error
}

func (f *faultySocket) Accept() (transport.StreamConn, error) {
	select {
	case err := <-f.errs:
		return nil, err
	default:
		return f.StreamListener.Accept()
	}
}

func TestListenerOutlivesPassingErrorsAndRestartsAfterOthers(t *testing.T) {
	probe.Live(t, func(t *testing.T, s *probe.Stage) {
		errs := make(chan error, 1)
		w := newWorld(t, s, func(cfg *Config) {
			cfg.Listeners.Load()[0].Advertise = &routerv1.Advertise{Service: "control", ConnType: 1}
			unixSocket := cfg.Listeners.Load()[0].Binding
			cfg.Listeners.Load()[0].Binding = transport.NewBinding(func() (transport.StreamListener, error) {
				l, err := unixSocket.Open()
				return &faultySocket{l, errs}, err
			})
		})
		w.router.Expect(t, &routerv1.Advertise{Service: "control", ConnType: 1})
		early := w.client()
		errs <- &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
		w.client().close() // the loop meets the error after this one
		early.ask("nosuch", "ERROR: Unknown command")
		w.client().close()

		errs <- errors.New("the socket is gone")
		if nudge, err := net.Dial("unix", w.path); err == nil { // the loop may have met the error already
			_ = nudge.Close()
		}
		w.router.Expect(t, &routerv1.Withdraw{Service: "control"})
		early.expectEnd()
		w.router.Expect(t, &routerv1.Advertise{Service: "control", ConnType: 1})
		w.client().ask("nosuch", "ERROR: Unknown command")
	})
}

func TestTCPPortInUse(t *testing.T) {
	l, err := ListenTCP("127.0.0.1:0", nil, zerolog.Nop()).Open()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	addr := l.Addr().String()
	_, err = ListenTCP(addr, nil, zerolog.Nop()).Open()
	if want := "error listening on TCP socket: listen tcp " + addr + ": bind: address already in use"; err == nil || err.Error() != want {
		t.Errorf("\n got %v\nwant %s", err, want)
	}
}
