package config

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// Where the existing system fails or surprises, and what is done here instead.
// Both forms of a file and the command line agree.
func TestTraps(t *testing.T) {
	for _, c := range []struct {
		name, file, args string
		want             string // the error; empty for none
		good             func(*Config) bool
	}{
		{"a map needs no switch", "node: {id: foo}\nlocal-only: {local: true}", "--config f", "", func(c *Config) bool { return c.LocalOnly && c.Node.ID == "foo" }},
		{"the switch may stand anywhere", "local-only: {local: true}", "--config f --config-v2", "", func(c *Config) bool { return c.LocalOnly && c.V2 }},
		{"a map's missing file is an error", "", "--config-v2 --config nope", "error loading config file: open nope: no such file or directory", nil},
		{"a list is good with the switch too", "- local-only", "--config-v2 -c f", "", func(c *Config) bool { return c.LocalOnly }},
		{"a map's bad level is an error", "log-level: {level: trace}", "-c f", "trace is not a valid log level name (known: error, warning, info, debug) (f:1:1)", nil},
		{"a map's reserved node ID is an error", "node: {id: localhost}", "-c f", `node ID "localhost" is reserved`, nil},
		{"a map's bad cost is an error", "tcp-listeners: [{port: 1, cost: -1}]", "-c f", "connection cost must be positive (f:1:17)", nil},
		{"a map's UDP proxies are UDP", "udp-servers: [{port: 1, remotenode: a, remoteservice: b}]\nudp-clients: [{service: c, address: 'h:1'}]", "-c f", "",
			func(c *Config) bool {
				return len(c.UDPServers) == 1 && len(c.UDPClients) == 1 && c.TCPServers == nil
			}},
		{"a map's WebSocket has a path", "ws-listeners: [{port: 1}]", "-c f", "", func(c *Config) bool { return c.WSListeners[0].Path == "/" }},
		{"a map's redial may be false", "tcp-peers: [{address: 'h:1', redial: false}]", "-c f", "", func(c *Config) bool { return !c.TCPPeers[0].Redial }},
		{"a map's sockets can be used", "unix-socket-servers: [{filename: a, remotenode: b, remoteservice: c}]", "-c f", "",
			func(c *Config) bool { return c.UnixServers[0].Permissions == 0o600 }},
		{"a map's pods are deleted as a list's are", "work-kubernetes: [{worktype: a, namespace: n, image: i}]", "-c f", "",
			func(c *Config) bool { return c.WorkKubernetes[0].DeletePodOnRestart }},
		{"a map's pods may stay", "work-kubernetes: [{worktype: a, namespace: n, image: i, deletepodonrestart: false}]", "-c f", "",
			func(c *Config) bool { return !c.WorkKubernetes[0].DeletePodOnRestart }},
		{"a list's pods may stay", "- work-kubernetes: {worktype: a, namespace: n, image: i, deletepodonrestart: false}", "-c f", "",
			func(c *Config) bool { return !c.WorkKubernetes[0].DeletePodOnRestart }},
		{"a map keeps the case of node IDs", "tcp-listeners: [{port: 1, nodecost: {Bar: 2}}]", "-c f", "",
			func(c *Config) bool {
				return reflect.DeepEqual(c.TCPListeners[0].NodeCost, map[string]float64{"Bar": 2})
			}},
		{"ip-routers is read", "ip-routers: [{networkname: a, localnet: 10.0.0.0/30}]", "-c f", "", func(c *Config) bool { return len(c.IPRouters) == 1 }},
		{"iprouters is read", "iprouters: [{networkname: a, localnet: 10.0.0.0/30}]", "-c f", "", func(c *Config) bool { return len(c.IPRouters) == 1 }},
		{"a map's missing parameter is an error", "tcp-peers: [{cost: 2}]", "-c f", "error loading config file: error in tcp-peers: required parameter missing: address (f:1:13)", nil},
		{"a map's unknown names are told", "tcp-perrs: []", "-c f", "",
			func(c *Config) bool {
				return strings.Contains(strings.Join(c.Warnings, ""), `did you mean "tcp-peers"?`)
			}},
		{"firewall rules on the command line", "", `--node firewallrules=[{"action":"drop","toservice":"x"}]`, "", func(c *Config) bool { return c.Node.Firewall[0].ToService == "x" }},
		{"a bad regular expression is an error", "- node: {firewallrules: [{action: reject, fromnode: /zzz}]}", "-c f",
			"error in rule 0: fromnode: regular expression /zzz has no closing slash (f:1:3)", nil},
		{"a lone slash is an error", "- node: {firewallrules: [{action: reject, fromnode: /}]}", "-c f",
			"error in rule 0: fromnode: regular expression / has no closing slash (f:1:3)", nil},
		{"signing has an expiration", "- work-signing: f", "-c f", "", func(c *Config) bool { return c.WorkSigning.TokenExpiration == 5*time.Minute }},
		{"wss without a TLS configuration", "", "--ws-peer wss://h", "", func(c *Config) bool { return len(c.WSPeers) == 1 }},
		{"null in a list is an error", "- tcp-listener: {port: 1, allowedpeers: [~]}", "-c f",
			"error loading config file: error setting field allowedpeers in command tcp-listener: invalid value <nil>: must be type string (f:1:27)", nil},
		{"a number in a list is its digits", "- tcp-listener: {port: 1, allowedpeers: [17]}", "-c f", "", func(c *Config) bool { return c.TCPListeners[0].AllowedPeers[0] == "17" }},
		{"a directive before and in a file", "- node: a", "--node b -c f", `directive "node" is only allowed once (f:1:3)`, nil},
		{"a directive in two files", "- node: a", "-c f -c f", `directive "node" is only allowed once (f:1:3)`, nil},
		{"no file after --config", "", "--local-only --config", "no file name after --config", nil},
		{"an action after --config", "", "--config --node foo", "no file name after --config", nil},
		{"action names in any case", "- NODE: {ID: a}", "-c f", "", func(c *Config) bool { return c.Node.ID == "a" }},
		{"a node ID with a slash", "- node: a/b", "-c f", `node ID "a/b" contains a slash`, nil},
		{"permissions in decimal are told", "- control-service: {permissions: 660}", "-c f", "",
			func(c *Config) bool {
				return slices.ContainsFunc(c.Warnings, func(w string) bool { return strings.Contains(w, "write 0660") })
			}},
		{"an empty list of peers lets nobody in", "- tcp-listener: {port: 1, allowedpeers: []}", "-c f", "", func(c *Config) bool { return c.TCPListeners[0].AllowedPeers != nil }},
		{"a misprint of the introduction", "", "--local-only -- log-level Debug", "", func(c *Config) bool { return c.LocalOnly && c.LogLevel == "debug" }},
		{"two dashes before no action", "", "--local-only -- nosuch", `command error: unknown config type "": a lone "--" names no action`, nil},
		{"two dashes at the end", "", "--local-only --", `command error: unknown config type "": a lone "--" names no action`, nil},
		{"certificates before a node, in a map", "cert-init: {commonname: a, outcert: b, outkey: c}\nlocal-only: {local: true}", "-c f", "",
			func(c *Config) bool { return len(c.Commands) == 1 && c.Serves && c.LocalOnly }},
		{"certificates alone, in a map", "cert-makereqs: [{commonname: a, outreq: b, inkey: c}, {commonname: d, outreq: e, inkey: c}]", "-c f", "",
			func(c *Config) bool { return len(c.Commands) == 2 && !c.Serves }},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Parse(strings.Fields(c.args), world(map[string]string{"f": c.file}))
			if c.want != "" {
				wantError(t, err, c.want)
			} else if err != nil || !c.good(got) {
				t.Errorf("%v\n%+v", err, got)
			}
		})
	}
}
