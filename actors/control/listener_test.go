package control

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"golang.org/x/sys/unix"

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
		l, err := ListenTCP("127.0.0.1:0").Open()
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

func TestTooManyClientsAreToldSo(t *testing.T) {
	few := func(cfg *Config) { cfg.Listeners[0].MaxConns = 2 }
	live(t, few, func(t *testing.T, w *world) {
		one, two, three := w.client(), w.client(), w.client()
		three.expect("ERROR: too many control connections\n")
		three.expectEnd()
		one.ask("nosuch", "ERROR: Unknown command")
		two.close()
		eventually(t, func() bool {
			c := w.client()
			c.halfClose()
			line, err := c.r.ReadString('\n')
			return line == "" && err != nil
		})
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
			cfg.Listeners[0].Advertise = &routerv1.Advertise{Service: "control", ConnType: 1}
			unixSocket := cfg.Listeners[0].Binding
			cfg.Listeners[0].Binding = transport.NewBinding(func() (transport.StreamListener, error) {
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

func open(t *testing.T, path string, mode fs.FileMode) (transport.StreamListener, error) {
	t.Helper()
	l, err := ListenUnix(path, mode).Open()
	if err == nil {
		t.Cleanup(func() { _ = l.Close() })
	}
	return l, err
}

func TestSocketPathThatIsTaken(t *testing.T) {
	dir := t.TempDir()
	file, folder := filepath.Join(dir, "file"), filepath.Join(dir, "folder")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(folder, "precious"), 0o700); err != nil {
		t.Fatal(err)
	}
	ours := filepath.Join(dir, "ours")
	if _, err := open(t, ours, 0o600); err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(dir, "foreign")
	other, err := net.Listen("unix", foreign)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for path, want := range map[string]string{
		file:                              "could not overwrite socket file: " + file + " is not a socket",
		folder:                            "could not overwrite socket file: " + folder + " is not a socket",
		ours:                              "could not acquire lock on socket file: fslock is already locked",
		foreign:                           "could not overwrite socket file: " + foreign + " is in use by another program",
		filepath.Join(dir, "nosuch", "s"): "could not acquire lock on socket file: no such file or directory",
		filepath.Join(dir, strings.Repeat("x", 120)): "could not listen on socket file: listen unix " +
			filepath.Join(dir, strings.Repeat("x", 120)) + ": bind: invalid argument",
	} {
		if _, err := open(t, path, 0o600); err == nil || err.Error() != "error opening Unix socket: "+want {
			t.Errorf("%s:\n got %v\nwant %s", path, err, want)
		}
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "precious" {
		t.Errorf("the file became %q, %v", text, err)
	}
	if _, err := os.Stat(filepath.Join(folder, "precious")); err != nil {
		t.Error(err)
	}
}

func TestStaleSocketIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := open(t, path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
	if _, err := os.Lstat(path + ".lock"); err != nil {
		t.Errorf("the lock file is gone: %v", err)
	}
	if _, err := open(t, path, 0o600); err != nil {
		t.Error("it can't be opened again:", err)
	}
}

func TestCloseLeavesTheSocketOfAnother(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := open(t, path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("another's"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestSocketNeverHasAWiderMode(t *testing.T) {
	defer unix.Umask(unix.Umask(0))
	for _, mode := range []fs.FileMode{0o600, 0o660, 0o666, 0} {
		path := filepath.Join(t.TempDir(), "s")
		socket, err := listenWithMode(path, mode)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Lstat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("born with %v, %v, want %v", info.Mode(), err, mode)
		}
		if err := socket.Close(); err != nil {
			t.Error(err)
		}
	}
	unix.Umask(0o077)
	path := filepath.Join(t.TempDir(), "s")
	if _, err := open(t, path, 0o666); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode().Perm() != 0o666 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestTCPPortInUse(t *testing.T) {
	l, err := ListenTCP("127.0.0.1:0").Open()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	addr := l.Addr().String()
	_, err = ListenTCP(addr).Open()
	if want := "error listening on TCP socket: listen tcp " + addr + ": bind: address already in use"; err == nil || err.Error() != want {
		t.Errorf("\n got %v\nwant %s", err, want)
	}
}
