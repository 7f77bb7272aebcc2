package config

import (
	"strings"
	"testing"
)

// Whatever is on the command line, it is taken or refused with a reason.
func FuzzCommandLine(f *testing.F) {
	for _, line := range []string{
		"", "--node id=foo --local-only --log-level Debug", "-- log-level Debug", "--tcp-listener 1 nodecost={\"a\":1}",
		"--tcp-peer h:1 allowedpeers=[\"a\"]", "-c f --version", "--log-level=x", "--control-service permissions=0x99999", "- -", "--node  =",
		`--node firewallrules=[{"action":"drop","fromnode":"/a|b/"}]`, "--tls-server name=s cert=c key=k pinnedclientcert=ab --ws-listener 1 tls=s path=/x",
		"--ws-peer wss://h:1/%zz extraheader=a:b", "--udp-peer [::1]:99 --udp-server port=1 remotenode=a remoteservice=b",
		"--ip-router networkname=n localnet=10.0.0.0/30 routes=::/0,", "--command-service service=c command=a\\", "--cert-makereq commonname=a outreq=b inkey=c",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		args := strings.Split(line, " ")
		check(t, args, world(map[string]string{"f": "- node: a"}))
	})
}

// The same for what stands in a file.
func FuzzFile(f *testing.F) {
	for _, text := range []string{
		"", "- node:\n    id: foo\n- local-only\n", "node: {}", "- tcp-listener: {port: 1, allowedpeers: [a, 1]}", "- - a", "- {1: 2}",
		"- tcp-peer: &p {address: 'h:1'}\n- tcp-peer: *p\n", "- control-service: {permissions: 0o660}", "\ufeff[]", "- !!binary aGk=",
		"- node: {firewallrules: [{action: reject, tonode: /(?i)a.*b/}, {action: accept}]}", "- tls-client: {name: default, cert: '', key: ''}\n- ws-peer: wss://h",
		"- unix-socket-server: {filename: s, permissions: 0660, remotenode: a, remoteservice: b, tls: x}", "- cert-init: {commonname: a, outcert: b, outkey: c}",
		"version: 2\nnode: {id: yes, firewallrules: {action: drop}}\ntcp-peers: {address: 'h:1'}\nlocal-only: {local: 1}", "tcp-listener: [{port: 0x1, nodecost: {A: 2}}, {}, ~]\nTrace: true",
		"a: &a {b: *a}", "<<: {node: {id: a}}\ncontrol-services: [{<<: [{service: b}], service: c}]", "cert-init: {}\ntls-clients: {name: c}\niprouters: []",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		env := world(map[string]string{"f": text})
		check(t, []string{"-c", "f", "--local-only"}, env)
		check(t, []string{"--config-v2", "--check", "--config=f"}, env)
	})
}

func check(t *testing.T, args []string, env Env) {
	c, err := Parse(args, env)
	if err != nil {
		if c != nil && c.Show != ShowNothing || err.Error() == "" {
			t.Errorf("%q: config %+v with error %q", args, c, err)
		}
		return
	}
	if c.Serves && (checkNodeID(c.Node.ID) != nil || c.Node.DataDir == "" || c.LogLevel == "") {
		t.Errorf("%q: incomplete config %+v", args, c)
	}
}
