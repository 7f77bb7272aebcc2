package config

import (
	"reflect"
	"testing"

	"receptor/transport/mesh/firewall"
)

func TestFirewallRules(t *testing.T) {
	want := []firewall.Rule{{Action: "Reject", FromNode: "/a|b/", ToService: "control"}, {Action: "accept"}}
	file := "- node:\n    firewallRules:\n    - {Action: Reject, fromNode: /a|b/, toservice: control}\n    - action: accept\n"
	c := mustParse(t, map[string]string{"f": file}, "-c", "f")
	if !reflect.DeepEqual(c.Node.Firewall, want) {
		t.Errorf("file: %+v", c.Node.Firewall)
	}
	const text = `firewallrules=[{"Action":"Reject","fromnode":"/a|b/","ToService":"control"},{"action":"accept"}]`
	if c := mustParse(t, nil, "--node", text); !reflect.DeepEqual(c.Node.Firewall, want) {
		t.Errorf("command line: %+v", c.Node.Firewall)
	}
	c = mustParse(t, nil, "--node", `firewallrules=[{"action":"drop","tonode":"x"}]`, `firewallrules=[{"action":"accept"}]`)
	if want := []firewall.Rule{{Action: "drop", ToNode: "x"}, {Action: "accept"}}; !reflect.DeepEqual(c.Node.Firewall, want) {
		t.Errorf("twice: %+v", c.Node.Firewall)
	}
	for _, none := range []string{"- node: {firewallrules: }", "- node: {firewallrules: []}"} {
		if c := mustParse(t, map[string]string{"f": none}, "-c", "f"); c.Node.Firewall != nil {
			t.Errorf("%s: %+v", none, c.Node.Firewall)
		}
	}
}

func TestBadFirewallRules(t *testing.T) {
	for text, want := range map[string]string{
		"[{action: zork}]":                           "error in rule 0: unknown action: zork",
		"[{}]":                                       "error in rule 0: unknown action: ",
		"[{action: accept}, {fromnode: x}]":          "error in rule 1: unknown action: ",
		"[{action: drop, bogus: x}]":                 "error in rule 0: invalid filewall rule. unknown key: bogus",
		"[{action: drop, fromnode: 1}]":              "error in rule 0: invalid firewall rule. fromnode must be a string",
		"[{action: drop, fromnode: }]":               "error in rule 0: invalid firewall rule. fromnode must be a string",
		"[{action: drop, fromnode: /zzz}]":           "error in rule 0: fromnode: regular expression /zzz has no closing slash",
		"[{action: drop, fromnode: /}]":              "error in rule 0: fromnode: regular expression / has no closing slash",
		"[{action: drop, toservice: '/(/'}]":         "error in rule 0: toservice: error parsing regexp: missing closing ): `(`",
		"[{action: drop, fromservice: toolongname}]": "error in rule 0: fromservice: service name toolongname too long (at most 8 bytes)",
		"[reject]": "error in rule 0: invalid firewall rule. it must be a map of strings",
	} {
		_, err := Parse([]string{"-c", "f"}, world(map[string]string{"f": "- local-only\n- node: {firewallrules: " + text + "}"}))
		wantError(t, err, want+" (f:2:3)")
	}
	for text, want := range map[string]string{
		`[{"action":"zork"}]`: "error in rule 0: unknown action: zork",
		`{"action":"accept"}`: "error setting config value for field firewallrules: type error (expected list of maps)",
		`accept`:              "error setting config value for field firewallrules: type error (expected list of maps)",
		`[{"action"}]`:        "error setting config value for field firewallrules: invalid character '}' after object key",
	} {
		_, err := Parse([]string{"--node", "firewallrules=" + text}, world(nil))
		wantError(t, err, want)
	}
	_, err := Parse([]string{"-c", "f"}, world(map[string]string{"f": "- node: {firewallrules: {action: accept}}"}))
	wantError(t, err, "error loading config file: error setting field firewallrules in command node: type error (expected list of maps) (f:1:10)")
}

func TestKubernetesParametersAreKept(t *testing.T) {
	file := "- node: {ReceptorKubeSupportReconnect: auto, ReceptorKubeClientsetQPS: 50, ReceptorKubeClientsetBurst: '500', ReceptorKubeClientsetRateLimiter: never}"
	c := mustParse(t, map[string]string{"f": file}, "-c", "f")
	if want := (Kube{"auto", "50", "500", "never"}); c.Node.Kube != want {
		t.Errorf("%+v", c.Node.Kube)
	}
}
