package node

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	nodev1 "receptor/proto/node/v1"
	"receptor/test/probe"
	"receptor/transport"
)

func quiet(t *testing.T) zerolog.Logger {
	return zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.WarnLevel)
}

func stop(t *testing.T, n *Node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := n.Stop(ctx); err != nil {
		t.Fatal(err)
	}
}

// full is a configuration with one of each thing that opens a socket.
func full(t *testing.T) Config {
	dir := t.TempDir()
	return Config{
		ID: "a", DataDir: filepath.Join(dir, "data"), Debug: true,
		TCPListeners: []TCPListener{{Addr: "127.0.0.1:0", LinkRules: LinkRules{Cost: 1, AnyPeer: true}}},
		Services: Services{
			TCPServers: []TCPServer{{Addr: "127.0.0.1:0", RemoteNode: "a", RemoteService: "tcp"}},
			TCPClients: []TCPClient{{Service: "tcp", Addr: "127.0.0.1:1"}},
		},
		ControlServices: []ControlService{{
			Service: "control", SocketPath: filepath.Join(dir, "sock"), SocketMode: 0o600, TCPListen: "127.0.0.1:0",
		}},
	}
}

func TestStartAndStopLeaveNothing(t *testing.T) {
	cfg := full(t)
	probe.NoGoroutineLeft(t, func() {
		n, err := Start(cfg, quiet(t))
		if err != nil {
			t.Fatal(err)
		}
		tree, err := n.Tree()
		if err != nil {
			t.Fatal(err)
		}
		var families []string
		for _, a := range tree.GetActor().GetChildren() {
			families = append(families, a.GetPath())
		}
		want := "node/router node/links node/streams node/work node/services node/inspect node/control node/web"
		if got := strings.Join(families, " "); got != want {
			t.Errorf("families %s, want %s", got, want)
		}
		stop(t, n)
		if err := n.Err(); err != nil {
			t.Errorf("after Stop: %v", err)
		}
	})
	if _, err := os.Lstat(cfg.ControlServices[0].SocketPath); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestFailedStartLeavesNothing(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().String()
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		spoil func(*Config)
		want  string
	}{
		"listener":     {func(c *Config) { c.TCPListeners = append(c.TCPListeners, TCPListener{Addr: port}) }, "listen tcp " + port + ": bind: address already in use"},
		"proxy":        {func(c *Config) { c.TCPServers[0].Addr = port }, "error listening on TCP: listen tcp " + port},
		"control":      {func(c *Config) { c.ControlServices[0].TCPListen = port }, "error listening on TCP socket: listen tcp " + port},
		"not a socket": {func(c *Config) { c.ControlServices[0].SocketPath = plain }, "is not a socket"},
		"long name":    {func(c *Config) { c.ControlServices[0].Service = "much-too-long" }, "error opening Unix socket: service name much-too-long too long (at most 8 bytes)"},
		"same service": {func(c *Config) { c.TCPClients[0].Service = "control" }, "service control is already listening"},
		"bad peer":     {func(c *Config) { c.TCPPeers = []TCPPeer{{Addr: "nowhere"}} }, "missing port in address"},
		"no listener":  {func(c *Config) { c.ControlServices[0] = ControlService{} }, "no listeners specified"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := full(t)
			tc.spoil(&cfg)
			probe.NoGoroutineLeft(t, func() {
				if _, err := Start(cfg, quiet(t)); err == nil || !strings.Contains(err.Error(), tc.want) {
					t.Errorf("got %v, want %s", err, tc.want)
				}
			})
			good := full(t)
			good.ControlServices[0].SocketPath = cfg.ControlServices[0].SocketPath
			if good.ControlServices[0].SocketPath == plain || good.ControlServices[0].SocketPath == "" {
				return
			}
			n, err := Start(good, quiet(t))
			if err != nil {
				t.Fatalf("the failed start left something behind: %v", err)
			}
			stop(t, n)
		})
	}
	if text, err := os.ReadFile(plain); string(text) != "precious" {
		t.Errorf("the file was touched: %q, %v", text, err)
	}
}

func TestAFamilyCanEndTheNode(t *testing.T) {
	n, err := Start(full(t), zerolog.New(io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	n.system.Root.Send(n.pid, &nodev1.StopNode{Reason: "we are a duplicate"})
	select {
	case <-n.Done():
	case <-time.After(20 * time.Second):
		t.Fatal("it goes on")
	}
	if err := n.Err(); err == nil || err.Error() != "we are a duplicate" {
		t.Errorf("reason: %v", err)
	}
}

func TestABrokenInvariantEndsTheNode(t *testing.T) {
	n, err := Start(full(t), zerolog.New(io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	n.fail(errors.New("first reason"))
	n.fail(errors.New("second reason"))
	(&guardian{n.fail}).HandleFailure(n.system, stopper{n}, n.pid, nil, "boom", nil)
	<-n.Done()
	if err := n.Err(); err == nil || err.Error() != "first reason" {
		t.Errorf("reason: %v", err)
	}
}

func TestStreamsToTheNodeItself(t *testing.T) {
	n, err := Start(full(t), quiet(t))
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, n)
	l, err := n.Listen("echo")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		if _, err := io.Copy(c, c); err != nil {
			t.Error(err)
		}
		if err := c.(transport.StreamConn).CloseWrite(); err != nil {
			t.Error(err)
		}
	}()
	c, err := n.Dial(t.Context(), "localhost", "echo")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(c); err != nil || string(answer) != "hello" {
		t.Errorf("got %q, %v", answer, err)
	}
	if r := n.Ping(t.Context(), "localhost"); r.Problem != "" {
		t.Errorf("ping: %+v", r)
	}
}

// stopper is what the library hands to the guardian: something that can stop.
type stopper struct{ n *Node }

func (s stopper) Children() []*actor.PID        { return []*actor.PID{s.n.pid} }
func (s stopper) EscalateFailure(_, _ any)      {}
func (s stopper) RestartChildren(...*actor.PID) {}
func (s stopper) ResumeChildren(...*actor.PID)  {}
func (s stopper) StopChildren(pids ...*actor.PID) {
	for _, pid := range pids {
		s.n.system.Root.Stop(pid)
	}
}
