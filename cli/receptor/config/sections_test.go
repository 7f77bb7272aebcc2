package config

import (
	"errors"
	"io/fs"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// mapped parses a file of the map form beside a node that needs nothing else.
func mapped(t *testing.T, text string) *Config {
	t.Helper()
	return mustParse(t, map[string]string{"f": text}, "--config", "f")
}

// A map and a list that ask for the same give the same.
func TestMapFormSaysTheSame(t *testing.T) {
	list := `
- node: {id: foo, datadir: /d, firewallrules: [{action: drop, fromnode: x}]}
- log-level: debug
- trace
- tls-server: {name: s, cert: c, key: k}
- tls-client: {name: c, cert: "", key: ""}
- tcp-listener: {port: 2222, tls: s, nodecost: {Bar: 2}, allowedpeers: [a, b]}
- tcp-peer: {address: "h:1", redial: false, tls: c}
- ws-listener: {port: 1}
- control-service: {filename: /s}
- ip-router: {networkname: net, localnet: 10.0.0.0/30}
- udp-server: {port: 5, remotenode: node, remoteservice: s}
- unix-socket-server: {filename: /u, remotenode: node, remoteservice: s}
- work-signing: {privatekey: f}
- work-command: {worktype: cat, command: cat, allowruntimeparams: true}
- local-only
`
	sections := `
version: 2
node: {id: foo, datadir: /d, firewallrules: {action: drop, fromnode: x}}
LOG-LEVEL: {level: Debug}
trace:
tls-servers: [{name: s, cert: c, key: k}]
tls-clients: [{name: c}]
tcp-listeners: {port: "2222", tls: s, nodeCost: {Bar: 2}, allowedPeers: "a,b"}
tcp-peers: [{address: "h:1", redial: false, tls: c}]
ws-listeners: [{port: 1, cost: 0}]
control-services: [{service: "", filename: /s, permissions: 0}]
iprouters: [{networkname: net, localnet: 10.0.0.0/30}]
udp-servers: [{port: 5, remotenode: node, remoteservice: s}]
unix-socket-servers: [{filename: /u, remotenode: node, remoteservice: s}]
work-signing: {privatekey: f}
work-commands: [{workType: cat, command: cat, allowruntimeparams: 1}]
local-only: {local: true}
`
	a, b := mapped(t, list), mapped(t, sections)
	a.items, b.items = nil, nil
	if !reflect.DeepEqual(a, b) {
		t.Errorf("list %+v\nmap  %+v", a, b)
	}
	if b.UnixServers[0].Permissions != 0o600 || b.WorkSigning.TokenExpiration == 0 || b.WSListeners[0].Path != "/" || b.TCPPeers[0].Redial {
		t.Errorf("defaults of the map form: %+v", b)
	}
}

// What the user's documents show beside the names that are right.
func TestMapFormOtherNames(t *testing.T) {
	for text, count := range map[string]func(*Config) int{
		"tcp-peer: {address: 'h:1'}":                               func(c *Config) int { return len(c.TCPPeers) },
		"tcp-peers: [{address: 'h:1'}]":                            func(c *Config) int { return len(c.TCPPeers) },
		"tcp-peers: {address: 'h:1'}":                              func(c *Config) int { return len(c.TCPPeers) },
		"work-command: [{worktype: a, command: b}]":                func(c *Config) int { return len(c.WorkCommands) },
		"ip-routers: [{networkname: net, localnet: 10.0.0.0/30}]":  func(c *Config) int { return len(c.IPRouters) },
		"ip-router: {networkname: net, localnet: 10.0.0.0/30}":     func(c *Config) int { return len(c.IPRouters) },
		"udp-clients: [{service: a, address: 'h:1'}]":              func(c *Config) int { return len(c.UDPClients) },
		"command-services: [{service: a, command: sh}]":            func(c *Config) int { return len(c.CommandServices) },
		"work-python: [{worktype: a, plugin: b, function: c}]":     func(c *Config) int { return len(c.WorkPython) },
		`{"tcp-listeners": [{"port": 1}]}`:                         func(c *Config) int { return len(c.TCPListeners) },
		"tcp-listener: {port: 1}\ntcp-listeners: []":               func(c *Config) int { return len(c.TCPListeners) },
		"cert-init: {commonname: a, outcert: b, outkey: c}":        func(c *Config) int { return len(c.Commands) },
		"cert-makereqs: [{commonname: a, outreq: b, inkey: c}]":    func(c *Config) int { return len(c.Commands) },
		"cert-signreqs: {req: a, cacert: b, cakey: c, outcert: d}": func(c *Config) int { return len(c.Commands) },
	} {
		if c := mapped(t, text); count(c) != 1 || len(c.Warnings) > 0 {
			t.Errorf("%s: %+v", text, c)
		}
	}
}

func TestMapFormWhatIsAbsent(t *testing.T) {
	for _, text := range []string{
		"local-only:", "local-only: {}", "local-only: {local: false}", "log-level:", "log-level: {}", "log-level: {level: }", "node: {}", "node:",
		"trace: false", "tcp-peers:", "tcp-peers: []", "tcp-peers: [{}, ~]", "version: 1", "work-signing: {}", "control-services: [~]", "{}",
	} {
		c := mapped(t, text)
		if c.LocalOnly || c.LogLevel != "info" || c.Trace || len(c.TCPPeers)+len(c.ControlServices) > 0 || c.WorkSigning != nil || !c.Empty() {
			t.Errorf("%s: %+v", text, c)
		}
		if strings.HasPrefix(text, "local-only") != (len(c.Warnings) == 1 && strings.Contains(c.Warnings[0], "has no effect: in a map, write")) {
			if !strings.Contains(text, "~") {
				t.Errorf("%s: warnings %q", text, c.Warnings)
			}
		}
	}
}

func TestMapFormWarnings(t *testing.T) {
	for text, want := range map[string]string{
		"tcp-peerz: [{address: 'h:1'}]":                     `unknown section tcp-peerz is passed over (did you mean "tcp-peers"?) (f:1:1)`,
		"control-services:\n  - service: a\n    filname: b": `unknown parameter filname of control-services is passed over (did you mean "filename"?) (f:3:5)`,
		"node: {id: a, id: b}":                              `node has id twice, first in line 1: the last one counts (f:1:15)`,
		"node: {id: a}\n---\nnode: {id: b}":                 "only the first document of f is read",
	} {
		if c := mapped(t, text); !slices.Equal(c.Warnings, []string{want}) {
			t.Errorf("%s\ngot  %q\nwant %q", text, c.Warnings, want)
		}
	}
}

func TestMapFormErrors(t *testing.T) {
	for text, want := range map[string]string{
		"log-level: Debug":                       "'log-level' expected a map, got 'string': write {level: ...} (f:1:1)",
		"node: foo":                              "'node' expected a map, got 'string': write {id: ...} (f:1:1)",
		"local-only: true":                       "'local-only' expected a map, got 'bool': write {local: ...} (f:1:1)",
		"tcp-peers: 1":                           "'tcp-peers' expected a map, got 'number': write {address: ...} (f:1:1)",
		"tcp-peers: ['h:1']":                     "'tcp-peers' expected a map, got 'string': write {address: ...} (f:1:13)",
		"node: [{id: a}]":                        "node is a map of parameters, not a list: there is one node only (f:1:1)",
		"tcp-listeners: [{cost: 1}]":             "error in tcp-listeners: required parameter missing: port (f:1:17)",
		"udp-servers: {address: 2223}":           "error in udp-servers: required parameters missing: port, remotenode, remoteservice (f:1:1)",
		"tcp-listeners: [{port: x}]":             `error setting field port in command tcp-listeners: strconv.ParseInt: parsing "x": invalid syntax (f:1:18)`,
		"tcp-peers: [{address: a, Address: b}]":  "error setting field address in command tcp-peers: given twice (f:1:14)",
		"tcp-peers: []\nnode: {}\ntcp-peers: []": "tcp-peers is there twice, first in line 1 (f:3:1)",
		"Node: {id: a}\nnode: {id: b}":           `directive "node" is only allowed once (f:2:1)`,
		"a: b: c":                                "yaml: mapping values are not allowed in this context (in f)",
		"work-commands:\n  - worktype: cat\n- work-command: {}": "yaml: line 2: did not find expected key (f:2)",
	} {
		_, err := Parse([]string{"-c", "f"}, world(map[string]string{"f": text}))
		wantError(t, err, "error loading config file: "+want)
	}
}

// What a yes means to the library is no matter where a text is wanted.
func TestMapFormScalars(t *testing.T) {
	c := mapped(t, "node: {id: yes}\ntcp-listeners: [{port: 0x10, nodecost: {Bar: 2}}]\ncontrol-services: [{permissions: 0660}, {service: a, permissions: '0o640'}, {service: b, permissions: 0o600}]")
	if c.Node.ID != "yes" || c.TCPListeners[0].Port != 16 || c.TCPListeners[0].NodeCost["Bar"] != 2 {
		t.Errorf("%+v", c)
	}
	for i, want := range []fs.FileMode{0o660, 0o640, 0o600} {
		if got := c.ControlServices[i].Permissions; got != want {
			t.Errorf("permissions %#o, want %#o", got, want)
		}
	}
}

func TestMapFormTakesNumbersForYesAndNo(t *testing.T) {
	c := mapped(t, "tcp-peers: [{address: 'h:1', redial: 0}, {address: 'h:2', redial: 1}, {address: 'h:3'}]")
	for i, want := range []bool{false, true, true} {
		if got := c.TCPPeers[i].Redial; got != want {
			t.Errorf("peer %d: redial %v, want %v", i, got, want)
		}
	}
}

func TestManyErrorsAtOnce(t *testing.T) {
	text := "- tcp-peer: {addrss: 'h:1'}\n- bogus\n- tcp-listener: {port: x, cost: z}\n- log-level: loud\n"
	_, err := Parse([]string{"--nod", "a", "b=c", "-c", "f", "--local-only", "1"}, world(map[string]string{"f": text}))
	var all Errors
	if !errors.As(err, &all) {
		t.Fatalf("got %v", err)
	}
	const load = "error loading config file: "
	want := []string{
		`command error: unknown config type nod (did you mean "node"?)`,
		load + `field addrss not defined for command tcp-peer: unknown field name addrss (did you mean "address"?) (f:1:14)`,
		load + `could not get config type for command bogus: unknown config type bogus (did you mean "node"?) (f:2:3)`,
		load + `error setting field cost in command tcp-listener: strconv.ParseFloat: parsing "z": invalid syntax (f:3:27)`,
		load + `error setting field port in command tcp-listener: strconv.ParseInt: parsing "x": invalid syntax (f:3:18)`,
		"config error: command does not allow bare values (write NAME=1; parameters: local)",
	}
	if got := strings.Split(err.Error(), "\n"); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", err, strings.Join(want, "\n"))
	}
	_, err = Parse([]string{"--log-level", "loud", "--tcp-peer", "h", "--tcp-listener", "1", "tls=x"}, world(nil))
	if got := strings.Count(err.Error(), "\n"); got != 2 {
		t.Errorf("got %v", err)
	}
	_, err = Parse([]string{"-c", "f"}, world(map[string]string{"f": strings.Repeat("- bogus\n", 1000)}))
	if !errors.As(err, &all) || len(all) != maxErrors+1 || all[maxErrors].Error() != "and 980 more errors" {
		t.Errorf("got %v", err)
	}
}
