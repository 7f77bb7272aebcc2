package config

import (
	"errors"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"time"
)

// world is an Env of a host named host and the given files.
func world(files map[string]string) Env {
	return Env{
		ReadFile: func(name string) ([]byte, error) {
			text, ok := files[name]
			if !ok {
				return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("no such file or directory")}
			}
			return []byte(text), nil
		},
		Hostname: func() (string, error) { return "Host.example", nil },
		TempDir:  func() string { return "/var/tmp" },
	}
}

func mustParse(t *testing.T, files map[string]string, args ...string) *Config {
	t.Helper()
	c, err := Parse(args, world(files))
	if err != nil {
		t.Fatalf("Parse(%q): %v", args, err)
	}
	return c
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestIntroductionCommand(t *testing.T) {
	c := mustParse(t, nil, "--node", "id=foo", "--local-only", "--log-level", "Debug")
	if c.Node.ID != "foo" || !c.LocalOnly || c.LogLevel != "debug" {
		t.Errorf("%+v", c)
	}
}

func TestSpellings(t *testing.T) {
	for _, line := range []string{
		"--node id=foo --local-only", "--Node ID=foo --Local-Only", "-node foo -local-only",
		"--node a b id=c id=foo --local-only",
	} {
		c := mustParse(t, nil, strings.Fields(line)...)
		if c.Node.ID != "foo" || !c.LocalOnly {
			t.Errorf("%s: %+v", line, c)
		}
	}
}

func TestShow(t *testing.T) {
	for line, want := range map[string]Show{
		"":                   ShowHelp,
		"--help":             ShowHelp,
		"-h":                 ShowHelp,
		"--HELP":             ShowHelp,
		"--node foo --help":  ShowHelp,
		"--version":          ShowVersion,
		"-version":           ShowVersion,
		"--VERSION":          ShowVersion,
		"--local-only":       ShowNothing,
		"-c version.yml":     ShowVersion,
		"--tcp-listener -h":  ShowHelp,
		"--local-only local": ShowNothing,
	} {
		args := strings.Fields(line)
		if line == "--local-only local" {
			args = []string{"--local-only", "local=Y"}
		}
		if c := mustParse(t, map[string]string{"version.yml": "- version"}, args...); c.Show != want {
			t.Errorf("%q shows %d, want %d", line, c.Show, want)
		}
	}
}

func TestDefaults(t *testing.T) {
	c := mustParse(t, nil, "--tcp-listener", "0x10", "--tcp-peer", "h:1", "--control-service", "--work-command", "worktype=cat", "command=cat",
		"--tcp-server", "port=1", "remotenode=n", "remoteservice=s")
	want := &Config{
		LogLevel:        "info",
		LogFormat:       "text",
		Node:            Node{ID: "Host.example", DataDir: "/tmp/receptor", MaxIdle: 21 * time.Second},
		TCPListeners:    []Listener{{BindAddr: "0.0.0.0", Port: 16, Cost: 1}},
		TCPPeers:        []Peer{{Address: "h:1", Redial: true, Cost: 1}},
		ControlServices: []ControlService{{Service: "control", Permissions: 0o600}},
		TCPServers:      []TCPServer{{Port: 1, BindAddr: "0.0.0.0", RemoteNode: "n", RemoteService: "s"}},
		WorkCommands:    []WorkCommand{{WorkType: "cat", Command: "cat"}},
		services:        map[string]bool{"control": true},
		Serves:          true,
		items:           c.items,
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
}

func TestGivenButEmpty(t *testing.T) {
	c := mustParse(t, nil, "--node", "id=foo", "datadir=", "--tcp-listener", "0", "bindaddr=", "allowedpeers=",
		"--tcp-listener", "0", "allowedpeers=[]", "--tcp-listener", "0")
	if c.Node.DataDir != "/var/tmp/receptor" {
		t.Errorf("data directory %q", c.Node.DataDir)
	}
	if l := c.TCPListeners; l[0].BindAddr != "" || l[0].AllowedPeers == nil || l[1].AllowedPeers == nil || l[2].AllowedPeers != nil {
		t.Errorf("listeners %+v", l)
	}
}

func TestLists(t *testing.T) {
	c := mustParse(t, nil, "--tcp-peer", "h:1", `allowedpeers=["x"]`, "allowedpeers=a,b", "allowedpeers=c",
		"--tcp-peer", "h:1", "allowedpeers=a", `allowedpeers=["b","c"]`)
	if got := c.TCPPeers[0].AllowedPeers; !reflect.DeepEqual(got, []string{"x", "a,b", "c"}) {
		t.Errorf("appended: %q", got)
	}
	if got := c.TCPPeers[1].AllowedPeers; !reflect.DeepEqual(got, []string{"b", "c"}) {
		t.Errorf("replaced: %q", got)
	}
}

func TestBareLogLevelMeansError(t *testing.T) {
	if c := mustParse(t, nil, "--log-level", "--local-only"); c.LogLevel != "error" {
		t.Errorf("level %q", c.LogLevel)
	}
}

func TestPermissions(t *testing.T) {
	for text, want := range map[string]fs.FileMode{"0640": 0o640, "0o640": 0o640, "416": 0o640, "0o1600": 0o600} {
		c := mustParse(t, nil, "--control-service", "permissions="+text)
		if got := c.ControlServices[0].Permissions; got != want {
			t.Errorf("%s: mode %#o, want %#o", text, got, want)
		}
	}
	c := mustParse(t, nil, "--control-service", "permissions=660")
	if len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], "write 0660") {
		t.Errorf("warnings %q", c.Warnings)
	}
}

func TestTCPListenOfControlService(t *testing.T) {
	for text, want := range map[string]string{"8888": "0.0.0.0:8888", "127.0.0.1:8888": "127.0.0.1:8888", ":1": ":1", "[::1]:1": "[::1]:1"} {
		c := mustParse(t, nil, "--control-service", "service=", "tcplisten="+text)
		if got := c.ControlServices[0].TCPListen; got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestCommandLineErrors(t *testing.T) {
	files := map[string]string{"node.yml": "- node:\n    id: foo\n", "local.yml": "- local-only"}
	for _, c := range []struct{ line, want string }{
		{"--bogus --help", `command error: unknown config type bogus (did you mean "node"?)`},
		{"--tcp-listner 1", `command error: unknown config type tcp-listner (did you mean "tcp-listener"?)`},
		{"---node", `command error: unknown config type -node (did you mean "node"?)`},
		{"--local-only - node a", `command error: unknown config type "": a lone "-" stands before "node"; write --node a`},
		{"--", `command error: unknown config type "": a lone "--" names no action`},
		{"--config=f.yml", `command error: unknown config type config=f.yml (write --config f.yml)`},
		{"--log-level=Debug", `command error: unknown config type log-level=debug (write --log-level level=Debug)`},
		{"--tcp-server=1", `command error: unknown config type tcp-server=1 (write --tcp-server port=VALUE)`},
		{"--trace=1", `command error: unknown config type trace=1 (write --trace)`},
		{"foo", "parameter specified before command"},
		{"-c local.yml x=y", "parameter specified before command"},
		{"--node bogus=1", `config error: unknown field name bogus (did you mean "id"?)`},
		{"--tcp-peer ADDRSS=1", `config error: unknown field name addrss (did you mean "address"?)`},
		{"--version 1", "config error: command does not allow bare values (version has no parameters)"},
		{"--control-service control", "config error: command does not allow bare values (write NAME=control; parameters: service, filename, permissions, tls, tcplisten, tcptls)"},
		{"--control-service filename", "config error: command does not allow bare values (did you mean filename=VALUE?)"},
		{"--local-only log-level", "config error: command does not allow bare values (did you mean --log-level?)"},
		{"--tcp-listener", "error in --tcp-listener: required parameter missing: port"},
		{"--TCP-Peer --local-only", "error in --TCP-Peer: required parameter missing: address"},
		{"-work-command -c local.yml", "error in -work-command: required parameters missing: worktype, command"},
		{"--tcp-listener abc", `error setting config value for field port: strconv.ParseInt: parsing "abc": invalid syntax`},
		{"--tcp-listener port=", `error setting config value for field port: strconv.ParseInt: parsing "": invalid syntax`},
		{"--tcp-listener 1 cost=abc", `error setting config value for field cost: strconv.ParseFloat: parsing "abc": invalid syntax`},
		{"--local-only local=maybe", "error setting config value for field local: could not parse maybe as boolean"},
		{"--local-only local=tRUE", "error setting config value for field local: could not parse tRUE as boolean"},
		{"--tcp-listener 1 allowedpeers=[a", "error setting config value for field allowedpeers: invalid character 'a' looking for beginning of value"},
		{"--tcp-listener 1 allowedpeers=[1]", "error setting config value for field allowedpeers: invalid value 1: must be type string"},
		{"--tcp-listener 1 nodecost=1", "error setting config value for field nodecost: type error (expected map[string]float64)"},
		{`--tcp-listener 1 nodecost={"a":"x"}`, "error setting config value for field nodecost: invalid value x: must be type float64 (node a)"},
		{"--control-service permissions=-1", "error setting config value for field permissions: -1 is not a file mode"},
		{"--node foo --node bar --local-only", `directive "node" is only allowed once`},
		{"--config node.yml --node bar", `directive "node" is only allowed once`},
		{"--node bar --config node.yml", `directive "node" is only allowed once (node.yml:1:3)`},
		{"-c local.yml -c local.yml", `directive "local-only" is only allowed once (local.yml:1:3)`},
		{"--node foo --version", "cannot specify any other options with version"},
		{"--version --version", "cannot specify any other options with version"},
		{"--config", "no file name after --config"},
		{"--config --node foo", "no file name after --config"},
		{"--config /nope.yml", "error loading config file: open /nope.yml: no such file or directory"},
		{"--log-level trace", "trace is not a valid log level name (known: error, warning, info, debug)"},
		{"--tcp-listener 1 cost=-1", "connection cost must be positive"},
		{"--tcp-listener 1 cost=NaN", "connection cost must be positive"},
		{"--tcp-peer h:1 cost=0", "connection cost must be positive"},
		{`--tcp-listener 1 nodecost={"b":0,"a":-1}`, "connection cost must be positive for a"},
		{"--tcp-listener 99999", "listen tcp: address 99999: invalid port"},
		{"--tcp-peer 127.0.0.1", "address 127.0.0.1: missing port in address"},
		{"--control-service service=", "no listeners specified"},
		{"--control-service --control-service filename=x", "error opening Unix socket: service control is already listening"},
		{"--control-service service=ping", "error opening Unix socket: service ping is already listening"},
		{"--control-service service=ninebytes", "error opening Unix socket: service name ninebytes too long (at most 8 bytes)"},
		{"--control-service tcplisten=99999", "error listening on TCP socket: listen tcp: address 99999: invalid port"},
		{"--control-service tcplisten=::1:5", "error listening on TCP socket: address ::1:5: too many colons in address"},
		{"--tcp-server port=70000 remotenode=a remoteservice=b", "error listening on TCP: listen tcp: address 70000: invalid port"},
		{"--tcp-client service=unreach address=h:1", "error listening on Receptor network: service unreach is already listening"},
		{"--tcp-client service=a address=foo", "address foo: missing port in address"},
		{"--work-command worktype=remote command=x", "work type remote already registered"},
		{"--work-command worktype=a command=x --work-command worktype=a command=y", "work type a already registered"},
		{"--work-command worktype=a command=x verifysignature=yes",
			"VerifySignature for work command 'a' is true, but the work verification public key is not specified"},
		{"--work-signing privatekey=/nope", "/nope does not exist"},
		{"--work-signing", " does not exist"},
		{"--work-verification /nope", "/nope does not exist"},
		{"--work-signing privatekey=/k tokenexpiration=soon",
			"failed to parse TokenExpiration -- valid examples include '1.5h', '30m', '30m10s'"},
		{"--work-verification publickey=/k clocktolerance=-1s",
			`failed to parse clocktolerance "-1s": valid examples include '1.5h', '30m', '30m10s'`},
		{"--work-command worktype=a command=x retention=long",
			`failed to parse retention "long": valid examples include '1.5h', '30m', '30m10s'`},
		{"--work-command worktype=a command=x maxqueued=-1", "limits of work type a must not be negative"},
		{"--node minfreedisk=-1", "minfreedisk must not be negative"},
		{"--node maxidleconnectiontimeout=abc",
			"failed to parse MaxIdleConnectionTimeout from configuration file -- valid examples include '1.5h', '30m', '30m10s'"},
		{"--node maxidleconnectiontimeout=10s",
			"user defined maxIdleConnectionTimeout [10000000000] is less than the default default timeout [21000000000]"},
	} {
		_, err := Parse(strings.Fields(c.line), world(files))
		if err == nil || err.Error() != c.want {
			t.Errorf("%s\ngot  %v\nwant %s", c.line, err, c.want)
		}
	}
}

func TestEmptyArguments(t *testing.T) {
	_, err := Parse([]string{""}, world(nil))
	wantError(t, err, "parameter specified before command")
	_, err = Parse([]string{"--node", ""}, world(nil))
	wantError(t, err, "error setting config value for field id: value must not be empty")
	_, err = Parse([]string{"--local-only", ""}, world(nil))
	wantError(t, err, "config error: command does not allow bare values (write NAME=; parameters: local)")
	_, err = Parse([]string{"--config", ""}, world(nil))
	wantError(t, err, "error loading config file: open : no such file or directory")
}

func TestIdleTimeout(t *testing.T) {
	if c := mustParse(t, nil, "--node", "a", "maxidleconnectiontimeout=1m30s"); c.Node.MaxIdle != 90*time.Second {
		t.Errorf("idle timeout %s", c.Node.MaxIdle)
	}
}

func TestNodeIDs(t *testing.T) {
	for id, want := range map[string]string{
		"foo": "", "a.b": "", "a..b": "", "Größe": "", "x y": "",
		"LocalHost": `node ID "localhost" is reserved`,
		"..":        `node ID ".." names a directory`,
		"a/b":       `node ID "a/b" contains a slash`,
		"a\nb":      `node ID "a\nb" contains control characters`,
		"a\xffb":    `node ID "a\xffb" contains control characters`,
	} {
		_, err := Parse([]string{"--node", "id=" + id}, world(nil))
		if want == "" && err != nil {
			t.Errorf("%q: %v", id, err)
		}
		if want != "" {
			wantError(t, err, want)
		}
	}
}

func TestHostWithoutName(t *testing.T) {
	env := world(nil)
	env.Hostname = func() (string, error) { return "LOCALHOST.localdomain", nil }
	_, err := Parse([]string{"--local-only"}, env)
	wantError(t, err, "no node ID specified and local host name is localhost.localdomain")
	env.Hostname = func() (string, error) { return "", errors.New("uname failed") }
	_, err = Parse([]string{"--local-only"}, env)
	wantError(t, err, "no node ID specified and the host name is unknown: uname failed")
}
