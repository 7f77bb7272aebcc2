package main

import (
	"errors"
	"io/fs"
	"reflect"
	"testing"
	"time"

	"receptor/actors/node"
	"receptor/cli/receptor/config"
)

func settings(t *testing.T, args ...string) node.Config {
	t.Helper()
	cfg, err := config.Parse(args, config.Env{
		ReadFile: func(string) ([]byte, error) { return nil, errors.New("no files here") },
		Hostname: func() (string, error) { return "host", nil },
		TempDir:  func() string { return "/t" },
	})
	if err != nil {
		t.Fatal(err)
	}
	return nodeConfig(cfg, "v1")
}

func TestDefaultsReachTheNode(t *testing.T) {
	got := settings(t, "--local-only")
	want := node.Config{ID: "host", DataDir: "/tmp/receptor", Version: "v1", LocalOnly: true, MaxIdle: 21 * time.Second}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestEverythingReachesTheNode(t *testing.T) {
	got := settings(t,
		"--node", "id=foo", "datadir=/d", "maxidleconnectiontimeout=1m",
		"--debug",
		"--tcp-listener", "2222", "cost=2", `nodecost={"bar":1.5}`, "allowedpeers=bar",
		"--tcp-peer", "h:1", "redial=no", "cost=3", "allowedpeers=baz",
		"--control-service", "filename=/s", "permissions=0660", "tcplisten=8888",
		"--work-command", "worktype=cat", "command=/bin/cat", "params=-u", "allowruntimeparams=yes",
		"--tcp-server", "port=1", "bindaddr=::1", "remotenode=n", "remoteservice=s",
		"--tcp-client", "service=x", "address=h:2",
	)
	want := node.Config{
		ID: "foo", DataDir: "/d", Version: "v1", Debug: true, MaxIdle: time.Minute,
		TCPListeners:    []node.TCPListener{{Addr: "0.0.0.0:2222", LinkRules: node.LinkRules{Cost: 2, NodeCost: map[string]float64{"bar": 1.5}, AllowedPeers: []string{"bar"}}}},
		TCPPeers:        []node.TCPPeer{{Addr: "h:1", LinkRules: node.LinkRules{Cost: 3, AllowedPeers: []string{"baz"}}}},
		ControlServices: []node.ControlService{{Service: "control", SocketPath: "/s", SocketMode: fs.FileMode(0o660), TCPListen: "0.0.0.0:8888"}},
		WorkCommands:    []node.WorkCommand{{Type: "cat", Command: "/bin/cat", Params: "-u", AllowRuntimeParams: true}},
		Services: node.Services{
			TCPServers: []node.TCPServer{{Addr: "[::1]:1", RemoteNode: "n", RemoteService: "s"}},
			TCPClients: []node.TCPClient{{Service: "x", Addr: "h:2"}},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// A list that is given but empty lets nobody in; only a missing one lets all in.
func TestAllowedPeers(t *testing.T) {
	for given, any := range map[string]bool{"": true, "allowedpeers=": false, "allowedpeers=[]": false, "allowedpeers=a": false} {
		args := []string{"--tcp-listener", "0"}
		if given != "" {
			args = append(args, given)
		}
		if l := settings(t, args...).TCPListeners[0]; l.AnyPeer != any {
			t.Errorf("%q: any peer may connect: %t", given, l.AnyPeer)
		}
		args[0], args[1] = "--tcp-peer", "h:1"
		if p := settings(t, args...).TCPPeers[0]; p.AnyPeer != any {
			t.Errorf("%q: any peer may answer: %t", given, p.AnyPeer)
		}
	}
}

func TestHostPort(t *testing.T) {
	for host, want := range map[string]string{"": ":7", "0.0.0.0": "0.0.0.0:7", "::1": "[::1]:7", "[::1]": "[::1]:7", "h": "h:7"} {
		if got := hostPort(host, 7); got != want {
			t.Errorf("%s: %s, want %s", host, got, want)
		}
	}
}
