package node

import (
	"math"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"receptor/actors/links"
)

// A program that embeds a node gets no further with what the command line would
// refuse, and nothing is written for it.
func TestBadValuesAreRefusedBeforeAnythingIsDone(t *testing.T) {
	costs := func(cost float64, byNode map[string]float64) LinkRules {
		return LinkRules{Cost: cost, NodeCost: byNode, AnyPeer: true}
	}
	addr := "127.0.0.1:0"
	for name, c := range map[string]struct {
		spoil func(c *Config)
		want  string
	}{
		"no ID":          {func(c *Config) { c.ID = "" }, "node ID must not be empty"},
		"reserved ID":    {func(c *Config) { c.ID = "LocalHost" }, "is reserved"},
		"ID of a parent": {func(c *Config) { c.ID = ".." }, "can't be the name of a folder"},
		"ID with a path": {func(c *Config) { c.ID = "../x" }, "can't be the name of a folder"},
		"ID with a line": {func(c *Config) { c.ID = "a\nb" }, "control characters"},
		"idle":           {func(c *Config) { c.MaxIdle = time.Second }, "MaxIdle 1s"},
		"negative cost": {func(c *Config) {
			c.TCPListeners = []TCPListener{{Addr: addr, LinkRules: costs(-1, nil)}}
		}, "link 127.0.0.1:0: connection cost must be positive"},
		"no cost at all": {func(c *Config) {
			c.UDPListeners = []UDPListener{{Addr: addr, LinkRules: costs(math.NaN(), nil)}}
		}, "connection cost must be positive"},
		"endless cost": {func(c *Config) {
			c.WSPeers = []WSPeer{{URL: "ws://127.0.0.1:1", LinkRules: costs(math.Inf(1), nil)}}
		}, "link ws://127.0.0.1:1: connection cost must be positive"},
		"cost of a node": {func(c *Config) {
			c.WSListeners = []WSListener{{Addr: addr, LinkRules: costs(1, map[string]float64{"a": 1, "b": 0})}}
		}, "connection cost must be positive for b"},
		"cost of a peer": {func(c *Config) {
			c.UDPPeers = []UDPPeer{{Addr: "127.0.0.1:1", LinkRules: costs(-2, nil)}}
		}, "connection cost must be positive"},
		"cost of a TCP peer": {func(c *Config) {
			c.TCPPeers = []TCPPeer{{Addr: "127.0.0.1:1", LinkRules: costs(-2, nil)}}
		}, "connection cost must be positive"},
		"cost of another backend": {func(c *Config) {
			c.Backends = []links.Backend{{Name: "mine", Cost: -1}}
		}, "link mine: connection cost must be positive"},
		"target": {func(c *Config) {
			c.TCPServers = []TCPServer{{Addr: addr, RemoteNode: "b", RemoteService: "ninechars"}}
		}, "service name ninechars too long"},
		"UDP target": {func(c *Config) {
			c.UDPServers = []UDPServer{{Addr: addr, RemoteNode: "b", RemoteService: "ninechars"}}
		}, "service name ninechars too long"},
		"Unix target": {func(c *Config) {
			c.UnixServers = []UnixServer{{Path: "s", RemoteNode: "b", RemoteService: "ninechars"}}
		}, "service name ninechars too long"},
		"work without name": {func(c *Config) { c.WorkCommands = []WorkCommand{{Command: "x"}} }, "needs a name"},
		"work twice": {func(c *Config) {
			c.WorkCommands = []WorkCommand{{Type: "a", Command: "x"}, {Type: "a", Command: "y"}}
		}, "work type a already registered"},
		"work of ours": {func(c *Config) { c.WorkCommands = []WorkCommand{{Type: "remote"}} }, "work type remote already registered"},
	} {
		t.Run(name, func(t *testing.T) {
			outside := t.TempDir()
			cfg := Config{ID: "a", DataDir: filepath.Join(outside, "data"), LocalOnly: true}
			c.spoil(&cfg)
			n, err := Start(cfg, quiet(t))
			if err == nil {
				stop(t, n)
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if left, err := os.ReadDir(outside); len(left) > 0 || err != nil {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

func TestAChangeIsCheckedLikeAStart(t *testing.T) {
	cfg := Config{ID: "a", DataDir: t.TempDir(), LocalOnly: true}
	n, err := Start(cfg, quiet(t))
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, n)
	cfg.TCPListeners = []TCPListener{{Addr: "127.0.0.1:0", LinkRules: LinkRules{Cost: -1, AnyPeer: true}}}
	if _, err := n.Change(cfg, false); err == nil || !strings.Contains(err.Error(), "connection cost must be positive") {
		t.Errorf("got %v", err)
	}
}

func TestNodeWithoutDataFolderUsesOneForWhatIsTemporary(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	t.Chdir(t.TempDir())
	n, err := Start(Config{ID: "a", LocalOnly: true}, quiet(t))
	if err != nil {
		t.Fatal(err)
	}
	stop(t, n)
	if kept, err := os.ReadDir(filepath.Join(os.TempDir(), "receptor")); len(kept) == 0 || err != nil {
		t.Errorf("in the temporary one: %v, %v", kept, err)
	}
	if left, err := os.ReadDir("."); len(left) > 0 || err != nil {
		t.Errorf("in the current folder: %v, %v", left, err)
	}
}

func TestWhatCantListenIsSaidOnce(t *testing.T) {
	taken, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for want, s := range map[string]Services{
		"error listening on UDP: listen udp": {UDPServers: []UDPServer{{Addr: taken.LocalAddr().String(), RemoteNode: "b", RemoteService: "x"}}},
		"error listening on service ping: service ping is already listening and advertising": {
			UDPClients: []UDPClient{{Service: "ping", Addr: "127.0.0.1:1"}},
		},
	} {
		_, err := Start(Config{ID: "a", DataDir: t.TempDir(), Services: s}, quiet(t))
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
