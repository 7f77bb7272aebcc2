package node

import (
	"errors"
	"io"
	"net"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"receptor/actors/node/change"
	"receptor/actors/supervise/levels"
	"receptor/test/probe"
	"receptor/transport/mesh"
	"receptor/transport/mesh/firewall"
	"receptor/transport/secure"

	supervisev1 "receptor/proto/supervise/v1"
)

// done are the steps that do something, as in "start links/x".
func done(steps []change.Step) []string {
	var list []string
	for _, s := range steps {
		if s.Do != change.Keep {
			list = append(list, string(s.Do)+" "+s.Key)
		}
	}
	return list
}

// paths are all actors but those of clients.
func paths(t *testing.T, n *Node) []string {
	t.Helper()
	tree, err := n.Tree()
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	var visit func(a *supervisev1.Actor)
	visit = func(a *supervisev1.Actor) {
		list = append(list, a.GetPath())
		for _, child := range a.GetChildren() {
			visit(child)
		}
	}
	visit(tree.GetActor())
	slices.Sort(list)
	return list
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// running starts a node, and says how to stop it.
func running(t *testing.T, cfg Config) (n *Node, end func()) {
	t.Helper()
	n, err := Start(cfg, quiet(t))
	if err != nil {
		t.Fatal(err)
	}
	return n, func() { stop(t, n) }
}

func TestChangeAndBack(t *testing.T) {
	probe.NoGoroutineLeft(t, func() {
		old := full(t)
		n, end := running(t, old)
		defer end()
		before := paths(t, n)

		wanted := old
		wanted.MaxIdle = time.Minute
		wanted.Firewall = []firewall.Rule{{Action: "reject", ToNode: "a", ToService: "ping"}}
		wanted.TCPClients = []TCPClient{{Service: "other", Addr: "127.0.0.1:1"}}
		wanted.UDPListeners = []UDPListener{{Addr: "127.0.0.1:0", LinkRules: LinkRules{Cost: 1, AnyPeer: true}}}
		wanted.WorkCommands = []WorkCommand{{Type: "cat", Command: "cat"}}
		plan, err := n.Change(wanted, true)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{
			"stop services/tcp-client:tcp", "change node/maxidleconnectiontimeout", "change node/firewallrules",
			"start work/cat", "start links/udp-listener:127.0.0.1:0", "start services/tcp-client:other",
		}
		if got := done(plan); !slices.Equal(got, want) {
			t.Errorf("plan %q, want %q", got, want)
		}
		if now := paths(t, n); !slices.Equal(now, before) {
			t.Errorf("a dry run left %v", now)
		}
		steps, err := n.Change(wanted, false)
		if err != nil || !reflect.DeepEqual(steps, plan) {
			t.Errorf("did %v, %v", done(steps), err)
		}
		if r := n.Ping(t.Context(), "a"); r.Problem != "blocked by firewall" {
			t.Errorf("ping: %+v", r)
		}
		if len(n.ListenAddrs()) != 2 {
			t.Errorf("addresses %v", n.ListenAddrs())
		}
		again, err := n.Change(wanted, false)
		if err != nil || len(done(again)) > 0 {
			t.Errorf("once more: %v, %v", done(again), err)
		}
		if _, err := n.Change(old, false); err != nil {
			t.Fatal(err)
		}
		if now := paths(t, n); !slices.Equal(now, before) {
			t.Errorf("back at\n%v, not\n%v", now, before)
		}
		if r := n.Ping(t.Context(), "a"); r.Problem != "" {
			t.Errorf("ping: %+v", r)
		}
	})
}

func TestAChangeThatCannotBeMadeChangesNothing(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	free := freeAddr(t)
	probe.NoGoroutineLeft(t, func() {
		old := full(t)
		n, end := running(t, old)
		defer end()
		before := paths(t, n)
		for name, tc := range map[string]struct {
			change func(*Config)
			want   string
		}{
			"node ID":  {func(c *Config) { c.ID = "b" }, "id is a and would become b"},
			"data":     {func(c *Config) { c.DataDir = "/x" }, "datadir is " + old.DataDir + " and would become /x"},
			"firewall": {func(c *Config) { c.Firewall = []firewall.Rule{{Action: "x"}} }, "unknown action: x"},
			"TLS":      {func(c *Config) { c.TCPListeners[0].TLS = "none" }, "unknown TLS config none"},
			"mesh TLS": {func(c *Config) { c.TCPClients[0].TLSServer = "none" }, "unknown TLS config none"},
			"port": {func(c *Config) {
				c.TCPListeners = append(c.TCPListeners, TCPListener{Addr: free}, TCPListener{Addr: taken.Addr().String()})
			}, "address already in use"},
			"service": {func(c *Config) {
				c.UnixClients = []UnixClient{{Service: "control", Path: "/x"}}
			}, "service control is already listening"},
			"no listener": {func(c *Config) { c.ControlServices[0] = ControlService{} }, "no listeners specified"},
		} {
			wanted := old
			wanted.TCPListeners, wanted.TCPClients = slices.Clone(old.TCPListeners), slices.Clone(old.TCPClients)
			wanted.ControlServices = slices.Clone(old.ControlServices)
			tc.change(&wanted)
			if _, err := n.Change(wanted, false); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%s: %v, want %s", name, err, tc.want)
			}
			if now := paths(t, n); !slices.Equal(now, before) {
				t.Errorf("%s: left %v", name, now)
			}
		}
		if l, err := net.Listen("tcp", free); err != nil {
			t.Errorf("a socket of the change that failed is still open: %v", err)
		} else {
			l.Close()
		}
	})
}

// What services only look up when they dial has to be there, too.
func TestATLSClientInUseCannotGo(t *testing.T) {
	old := full(t)
	old.TLSClients = []secure.ClientOptions{{Name: "c"}}
	old.TCPServers[0].TLSClient = "c"
	old.UnixServers = []UnixServer{{Path: filepath.Join(t.TempDir(), "s"), Mode: 0o600, RemoteNode: "a", RemoteService: "tcp", TLS: "c"}}
	n, end := running(t, old)
	defer end()
	wanted := old
	wanted.TLSClients = nil
	for range 2 {
		if _, err := n.Change(wanted, false); err == nil || !strings.Contains(err.Error(), "unknown TLS config c") {
			t.Errorf("%v", err)
		}
		wanted.TCPServers = nil
	}
	wanted.UnixServers = nil
	if _, err := n.Change(wanted, false); err != nil {
		t.Error(err)
	}
}

// A wss peer without a client of its own uses the one called "default", which may come
// and go.
func TestADefaultTLSClientIsTakenUp(t *testing.T) {
	old := Config{WSPeers: []WSPeer{{URL: "wss://far"}, {URL: "ws://far"}, {URL: "wss://else", TLS: "c"}}, TLSClients: []secure.ClientOptions{{Name: "c"}}}
	wanted := old
	wanted.TLSClients = append(slices.Clone(old.TLSClients), secure.ClientOptions{Name: secure.DefaultClient})
	there, err := old.Diff(wanted)
	if want := []string{"start tls-client/default", "replace links/ws-peer:wss://far"}; err != nil || !slices.Equal(done(there), want) {
		t.Errorf("%v, %v, want %v", done(there), err, want)
	}
	back, err := wanted.Diff(old)
	if want := []string{"stop tls-client/default", "replace links/ws-peer:wss://far"}; err != nil || !slices.Equal(done(back), want) {
		t.Errorf("%v, %v, want %v", done(back), err, want)
	}
}

// A service can go from one kind of proxy to another, and an embedded listener holds
// what it has.
func TestANameIsTakenOver(t *testing.T) {
	n, end := running(t, full(t))
	defer end()
	l, err := n.Listen("mine")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	before := paths(t, n)

	unix := func(service string) Config {
		wanted := n.plan.cfg
		wanted.TCPClients, wanted.UnixClients = nil, []UnixClient{{Service: service, Path: filepath.Join(t.TempDir(), "s")}}
		return wanted
	}
	if _, err := n.Change(unix("mine"), false); err == nil || !strings.Contains(err.Error(), "is already listening") {
		t.Errorf("a name that a program has: %v", err)
	}
	if now := paths(t, n); !slices.Equal(now, before) {
		t.Errorf("left %v", now)
	}
	if _, err := n.Change(unix("tcp"), false); err != nil {
		t.Fatal(err)
	}
	if now := paths(t, n); !slices.Contains(now, "node/services/unix-socket-client:tcp") || slices.Contains(now, "node/services/tcp-client:tcp") {
		t.Errorf("now %v", now)
	}
}

// tracer counts what the node sends.
type tracer struct {
	mesh.Tracer
	sent atomic.Int64
}

func (c *tracer) Sent(mesh.Traced) { c.sent.Add(1) }

func TestReload(t *testing.T) {
	cfg := full(t)
	n, end := running(t, cfg)
	defer end()
	if _, err := n.Reload(t.Context(), false); !errors.Is(err, ErrNoReread) {
		t.Errorf("without a file: %v", err)
	}
	level, format, failure := "", "", error(nil)
	cfg.SetLogLevel = func(l string, _ map[string]string) { level = l }
	cfg.SetLogFormat = func(f string) { format = f }
	var traced tracer
	cfg.Reread = func(bool) (Config, error) {
		next := cfg
		next.LogLevel, next.LogFormat, next.Tracer = "debug", "json", &traced
		return next, failure
	}
	other := full(t)
	cfg.ID, cfg.DataDir, cfg.ControlServices = other.ID, other.DataDir, other.ControlServices
	m, err := Start(cfg, quiet(t))
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, m)
	failure = io.ErrUnexpectedEOF
	if _, err := m.Reload(t.Context(), false); !errors.Is(err, io.ErrUnexpectedEOF) || level != "" {
		t.Errorf("a file that can't be read: %v, level %q", err, level)
	}
	failure = nil
	if steps, err := m.Reload(t.Context(), true); err != nil || level+format != "" ||
		!slices.Equal(done(steps), []string{"start trace", "change log-level", "change log-format"}) {
		t.Errorf("dry run: %v, %v, level %q, format %q", done(steps), err, level, format)
	}
	m.Ping(t.Context(), cfg.ID)
	if n := traced.sent.Load(); n != 0 {
		t.Errorf("before the reload: %d messages traced", n)
	}
	if _, err := m.Reload(t.Context(), false); err != nil || level != "debug" || format != "json" {
		t.Errorf("reload: %v, level %q, format %q", err, level, format)
	}
	m.Ping(t.Context(), cfg.ID)
	if traced.sent.Load() == 0 {
		t.Error("after the reload no message is traced")
	}
}

// A level that an operator gave an actor ends when nobody may act any more, by
// whichever way, and not when something else changes.
func TestLevelsOfActorsEndWithActions(t *testing.T) {
	probe.NoGoroutineLeft(t, func() {
		cfg := full(t)
		cfg.Levels, cfg.Debug, cfg.Inspection.Actions = levels.New(zerolog.InfoLevel, nil), true, true
		n, end := running(t, cfg)
		defer end()
		var out strings.Builder
		log := cfg.Levels.Logger(zerolog.New(&out), "node/router")
		for name, to := range map[string]struct {
			change func(*Config)
			seen   bool
		}{
			"another idle time":  {func(c *Config) { c.MaxIdle = time.Minute }, true},
			"no actions":         {func(c *Config) { c.Inspection.Actions = false }, false},
			"no debug mode":      {func(c *Config) { c.Debug = false }, false},
			"neither of the two": {func(c *Config) { c.Debug, c.Inspection.Actions = false, false }, false},
		} {
			if _, err := n.Change(cfg, false); err != nil {
				t.Fatal(err)
			}
			if err := cfg.Levels.Set("node", zerolog.DebugLevel, time.Hour); err != nil {
				t.Fatal(err)
			}
			wanted := cfg
			to.change(&wanted)
			if _, err := n.Change(wanted, false); err != nil {
				t.Fatal(err)
			}
			out.Reset()
			log.Debug().Msg("seen")
			if seen := out.Len() > 0; seen != to.seen {
				t.Errorf("%s: logged at the operator's level: %v, want %v", name, seen, to.seen)
			}
		}
	})
}
