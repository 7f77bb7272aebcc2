package main

import (
	"errors"
	"io/fs"
	"reflect"
	"slices"
	"testing"
	"time"

	"receptor/actors/node"
	"receptor/actors/work"
	"receptor/cli/receptor/config"
	"receptor/transport/mesh/firewall"
	"receptor/transport/secure"
)

func settings(t *testing.T, args ...string) node.Config {
	t.Helper()
	cfg, err := config.Parse(args, config.Env{
		ReadFile: func(name string) ([]byte, error) {
			if name == "/key" {
				return []byte("read later"), nil
			}
			return nil, errors.New("no files here")
		},
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
	want := node.Config{ID: "host", DataDir: "/tmp/receptor", Version: "v1", LogLevel: "info", LogFormat: "text", LocalOnly: true, MaxIdle: 21 * time.Second}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestEverythingReachesTheNode(t *testing.T) {
	got := settings(t,
		"--node", "id=foo", "datadir=/d", "maxidleconnectiontimeout=1m", `firewallrules=[{"action":"drop","fromnode":"x"}]`,
		"--debug", "remote=yes", "actions=yes", "--log-level", "info", "links=debug",
		"--tls-server", "name=s", "cert=sc", "key=sk", "requireclientcert=yes",
		"--tls-client", "name=c", "cert=cc", "key=ck", "mintls13=yes",
		"--tcp-listener", "2222", "cost=2", `nodecost={"bar":1.5}`, "allowedpeers=bar", "tls=s",
		"--tcp-peer", "h:1", "redial=no", "cost=3", "allowedpeers=baz", "tls=c",
		"--udp-listener", "1", "bindaddr=", "cost=4", `nodecost={"bar":2.5}`,
		"--udp-peer", "h:2", "cost=5",
		"--ws-listener", "2", "path=/x", "tls=s", `nodecost={"bar":3.5}`,
		"--ws-peer", "wss://h", "redial=no", "extraheader=a:b", "tls=c",
		"--control-service", "filename=/s", "permissions=0660", "tcplisten=8888", "tls=s", "tcptls=s",
		"--work-command", "worktype=cat", "command=/bin/cat", "params=-u", "allowruntimeparams=yes",
	)
	toBar := func(cost float64) map[string]float64 { return map[string]float64{"bar": cost} }
	want := node.Config{
		ID: "foo", DataDir: "/d", Version: "v1", LogLevel: "info", LogFormat: "text", Debug: true, MaxIdle: time.Minute,
		Inspection:      node.Inspection{Remote: true, Actions: true},
		FamilyLevels:    map[string]string{"links": "debug"},
		Firewall:        []firewall.Rule{{Action: "drop", FromNode: "x"}},
		TLSServers:      []secure.ServerOptions{{Name: "s", Cert: "sc", Key: "sk", RequireClientCert: true}},
		TLSClients:      []secure.ClientOptions{{Name: "c", Cert: "cc", Key: "ck", MinTLS13: true}},
		TCPListeners:    []node.TCPListener{{Addr: "0.0.0.0:2222", TLS: "s", LinkRules: node.LinkRules{Cost: 2, NodeCost: toBar(1.5), AllowedPeers: []string{"bar"}}}},
		TCPPeers:        []node.TCPPeer{{Addr: "h:1", TLS: "c", LinkRules: node.LinkRules{Cost: 3, AllowedPeers: []string{"baz"}}}},
		UDPListeners:    []node.UDPListener{{Addr: ":1", LinkRules: node.LinkRules{Cost: 4, NodeCost: toBar(2.5), AnyPeer: true}}},
		UDPPeers:        []node.UDPPeer{{Addr: "h:2", Redial: true, LinkRules: node.LinkRules{Cost: 5, AnyPeer: true}}},
		WSListeners:     []node.WSListener{{Addr: "0.0.0.0:2", Path: "/x", TLS: "s", LinkRules: node.LinkRules{Cost: 1, NodeCost: toBar(3.5), AnyPeer: true}}},
		WSPeers:         []node.WSPeer{{URL: "wss://h", ExtraHeader: "a:b", TLS: "c", LinkRules: node.LinkRules{Cost: 1, AnyPeer: true}}},
		ControlServices: []node.ControlService{{Service: "control", TLS: "s", SocketPath: "/s", SocketMode: fs.FileMode(0o660), TCPListen: "0.0.0.0:8888", TCPTLS: "s"}},
		WorkCommands:    []node.WorkCommand{{Type: "cat", Command: "/bin/cat", Params: "-u", AllowRuntimeParams: true}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestServicesReachTheNode(t *testing.T) {
	got := settings(t,
		"--tls-server", "name=s", "cert=sc", "key=sk", "--tls-client", "name=c", "cert=", "key=",
		"--command-service", "service=a", "command=sh -i", "tls=s",
		"--ip-router", "networkname=net", "interface=tun0", "localnet=10.0.0.4/30", "routes=10.1.0.0/16",
		"--tcp-server", "port=1", "bindaddr=::1", "remotenode=n", "remoteservice=s", "tlsserver=s", "tlsclient=c",
		"--tcp-client", "service=b", "address=h:2", "tlsserver=s", "tlsclient=c",
		"--udp-server", "port=3", "bindaddr=[::1]", "remotenode=n", "remoteservice=s",
		"--udp-client", "service=d", "address=h:4",
		"--unix-socket-server", "filename=/u", "remotenode=n", "remoteservice=s", "tls=c",
		"--unix-socket-client", "service=e", "filename=/v", "tls=s",
	).Services
	want := node.Services{
		CommandServices: []node.CommandService{{Service: "a", Command: "sh -i", TLS: "s"}},
		IPRouters:       []node.IPRouter{{Network: "net", Interface: "tun0", LocalNet: "10.0.0.4/30", Routes: "10.1.0.0/16"}},
		TCPServers:      []node.TCPServer{{Addr: "[::1]:1", RemoteNode: "n", RemoteService: "s", TLSServer: "s", TLSClient: "c"}},
		TCPClients:      []node.TCPClient{{Service: "b", Addr: "h:2", TLSServer: "s", TLSClient: "c"}},
		UDPServers:      []node.UDPServer{{Addr: "[::1]:3", RemoteNode: "n", RemoteService: "s"}},
		UDPClients:      []node.UDPClient{{Service: "d", Addr: "h:4"}},
		UnixServers:     []node.UnixServer{{Path: "/u", Mode: 0o600, RemoteNode: "n", RemoteService: "s", TLS: "c"}},
		UnixClients:     []node.UnixClient{{Service: "e", Path: "/v", TLS: "s"}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestWorkReachesTheNode(t *testing.T) {
	got := settings(t,
		"--node", "minfreedisk=4096", "receptorkubeclientsetqps=5", "receptorkubeclientsetburst=6",
		"receptorkubeclientsetratelimiter=never", "receptorkubesupportreconnect=auto", "--work-signing", "/key", "--work-verification", "/key", "clocktolerance=30s",
		"--work-command", "worktype=a", "command=b", "verifysignature=yes", "maxconcurrent=2", "maxqueued=3", "maxoutput=4", "retention=24h",
		"--work-python", "worktype=p", "plugin=x", "function=f", `config={"k":"v"}`, "interpreter=/py",
		"--work-kubernetes", "worktype=k", "namespace=ns", "image=i", "command=c", "params=p", "authmethod=KubeConfig", "kubeconfig=/key",
		"allowruntimeauth=yes", "allowruntimecommand=yes", "allowruntimeparams=yes", "allowruntimepod=yes", "checkinput=yes",
		"verifysignature=yes", "maxoutput=9",
		"--work-kubernetes", "worktype=t", "namespace=ns", "pod=/pod", "deletepodonrestart=no", "streammethod=TCP",
	)
	if got.WorkSigning != (work.SigningKey{PrivateKeyFile: "/key", Expiration: 5 * time.Minute}) ||
		got.WorkVerification != (work.VerifyKey{PublicKeyFile: "/key", Tolerance: 30 * time.Second}) || got.MinFreeDisk != 4096 {
		t.Errorf("got %+v", got)
	}
	want := node.WorkCommand{Type: "a", Command: "b", VerifySignature: true, Limits: work.Limits{
		MaxConcurrent: 2, MaxQueued: 3, MaxOutput: 4, Retention: 24 * time.Hour,
	}}
	if !reflect.DeepEqual(got.WorkCommands, []node.WorkCommand{want}) {
		t.Errorf("got  %+v\nwant %+v", got.WorkCommands, want)
	}
	kubernetes := work.KubeType{
		Type: "k", Namespace: "ns", Image: "i", Command: "c", Params: "p", Auth: work.AuthKubeconfig, ConfigFile: "/key",
		AllowRuntimeAuth: true, AllowRuntimeCommand: true, AllowRuntimeParams: true, AllowRuntimePod: true,
		DeletePodOnRestart: true, CheckInput: true, VerifySignature: true, Limits: work.Limits{MaxOutput: 9},
	}
	overTCP := work.KubeType{Type: "t", Namespace: "ns", PodFile: "/pod", TCP: true}
	if !reflect.DeepEqual(got.WorkKubernetes, []work.KubeType{kubernetes, overTCP}) {
		t.Errorf("got  %+v\nwant %+v", got.WorkKubernetes, kubernetes)
	}
	if want := (work.KubeClients{QPS: 5, Burst: 6, RateLimiter: "never", Reconnect: "auto"}); got.KubeClients != want {
		t.Errorf("got %+v", got.KubeClients)
	}
	python := work.PythonType{Type: "p", Plugin: "x", Function: "f", Config: map[string]any{"k": "v"}, Interpreter: "/py"}
	if !reflect.DeepEqual(got.WorkPython, []work.PythonType{python}) {
		t.Errorf("got  %+v\nwant %+v", got.WorkPython, python)
	}
}

// What the node can be told and the table can't say would never be used.
func TestNothingIsForgotten(t *testing.T) {
	args := []string{
		"--node", "minfreedisk=1", "remoteretention=1h", "receptorkubeclientsetqps=1", `firewallrules=[{"action":"accept"}]`, "--local-only", "--debug", "http=/x", "actions=yes", "--log-level", "info", "work=debug", "--tls-server", "name=s", "cert=c", "key=k", "--tls-client", "name=c", "cert=", "key=",
		"--tcp-listener", "0", "--tcp-peer", "h:1", "--udp-listener", "0", "--udp-peer", "h:1", "--ws-listener", "0", "--ws-peer", "ws://h",
		"--control-service", "--work-command", "worktype=a", "command=b", "--work-python", "worktype=p", "plugin=x", "function=f",
		"--work-signing", "/key", "--work-verification", "/key",
		"--work-kubernetes", "worktype=k", "namespace=n", "image=i",
	}
	embedding := []string{"Backends", "Levels", "Tracer", "Runner", "RunnerProgram", "Services", "SetLogLevel", "SetLogFormat", "Reread", "QlogDir", "PayloadTrace"} // not for configurations; tested above
	all := reflect.ValueOf(settings(t, args...))
	for _, field := range reflect.VisibleFields(all.Type()) {
		if len(field.Index) == 1 && all.FieldByIndex(field.Index).IsZero() && !slices.Contains(embedding, field.Name) {
			t.Errorf("%s is not set by anything", field.Name)
		}
	}
}

// A list that is given but empty lets nobody in; only a missing one lets all in.
func TestAllowedPeers(t *testing.T) {
	for given, any := range map[string]bool{"": true, "allowedpeers=": false, "allowedpeers=[]": false, "allowedpeers=a": false} {
		backend := func(args ...string) node.Config {
			if given != "" {
				args = append(args, given)
			}
			return settings(t, args...)
		}
		for name, got := range map[string]bool{
			"tcp-listener": backend("--tcp-listener", "0").TCPListeners[0].AnyPeer,
			"tcp-peer":     backend("--tcp-peer", "h:1").TCPPeers[0].AnyPeer,
			"udp-listener": backend("--udp-listener", "0").UDPListeners[0].AnyPeer,
			"udp-peer":     backend("--udp-peer", "h:1").UDPPeers[0].AnyPeer,
			"ws-listener":  backend("--ws-listener", "0").WSListeners[0].AnyPeer,
			"ws-peer":      backend("--ws-peer", "ws://h").WSPeers[0].AnyPeer,
		} {
			if got != any {
				t.Errorf("%s %q: any peer: %t", name, given, got)
			}
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
