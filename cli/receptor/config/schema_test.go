package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// validator is the schema as somebody else reads it.
func validator(t *testing.T) *jsonschema.Schema {
	t.Helper()
	var text bytes.Buffer
	if err := WriteSchema(&text); err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(&text)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("receptor.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("receptor.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// validate gives the schema what an editor would: the document as JSON.
func validate(t *testing.T, s *jsonschema.Schema, text string) error {
	t.Helper()
	doc, err := decode([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	again, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(again))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(value)
}

// The documented files are right by the schema, and start.
func TestSchemaTakesDocumentedFiles(t *testing.T) {
	s := validator(t)
	files, err := filepath.Glob("testdata/*.yml")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(t, s, string(text)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		c, err := Parse([]string{"--config", file}, world(map[string]string{file: string(text), "/etc/receptor/work.key": "", "/etc/receptor/work.pub": ""}))
		if err != nil || len(c.Warnings) > 0 {
			t.Errorf("%s: %v, %q", file, err, c.Warnings)
		}
	}
}

func TestSchemaTakesWhatIsRead(t *testing.T) {
	s := validator(t)
	for _, text := range []string{
		"", "[]", "{}", "- local-only", "- Local-Only: {}", "- local-only:", "- log-level: Debug", "- log-level: {LEVEL: WARNING}", "- tcp-listener: '2222'",
		"- tcp-listener: {Port: 0x10}", "- tcp-listener: {port: '0x10', cost: '2.5', nodecost: '{\"a\": 1}', allowedPeers: a}",
		"- work-command: {workType: cat, COMMAND: cat, allowRuntimeParams: yes}", "- node: {id: 12, firewallrules: [{Action: Drop, fromNode: a}]}",
		"- tls-client: {name: c, cert: '', key: ''}", "- work-signing: privkey", "- version", "- udp-peer: {address: 'h:1', redial: 'no', allowedpeers: ~}",
		"version: 2", "tcp-peer: {address: 'h:1'}", "TCP-Peers: [{Address: 'h:1'}, {}]", "tls-clients: {name: c}", "local-only:", "local-only: {local: 1}",
		"trace: true", "iprouters: [{networkname: a, localnet: 10.0.0.0/30}]", "node: {id: , firewallrules: {action: accept}}",
	} {
		if err := validate(t, s, text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if _, err := Parse([]string{"-c", "f"}, world(map[string]string{"f": text, "privkey": ""})); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestSchemaRefusesWhatIsRefused(t *testing.T) {
	s := validator(t)
	for _, text := range []string{
		"foo", "1", "- bogus", "- tcp-listener", "- tcp-listener:", "- tcp-listener: {}", "- tcp-listener: 0", "- tcp-listener: {port: x}", "- tcp-listener: {port: 70000}",
		"- {node: a, local-only: }", "- {}", "- 1", "- node: {bogus: 1}", "- local-only: true", "- local-only: x", "- local-only: {local: 1}", "- log-level: {level: trace}",
		"- node: ''", "- node: {firewallrules: {action: accept}}", "- node: {firewallrules: [{action: maybe}]}", "- node: {firewallrules: [{fromnode: a}]}",
		"- node: {firewallrules: [{action: drop, fromnode: 1}]}", "- tcp-listener: {port: 1, nodecost: {a: '1'}}", "- tcp-listener: {port: 1, allowedpeers: [~]}",
		"- tls-client: {name: c}", "- cert-init: {commonname: a, outcert: b, outkey: c, keytype: dsa}", "- work-command: {worktype: a, command: ''}",
		"log-level: Debug", "node: foo", "node: [{id: a}]", "local-only: true", "tcp-peers: ['h:1']", "tcp-peers: 1", "tcp-listeners: [{cost: 1}]", "tcp-listeners: {port: []}",
	} {
		if err := validate(t, s, text); err == nil {
			t.Errorf("%s: the schema takes it", text)
		}
		if _, err := Parse([]string{"-c", "f"}, world(map[string]string{"f": text})); err == nil {
			t.Errorf("%s: it is read", text)
		}
	}
	for _, text := range []string{"tcp-peerz: []", "tcp-peers: [{address: 'h:1', bogus: 1}]"} { // warnings
		if err := validate(t, s, text); err == nil {
			t.Errorf("%s: the schema takes it", text)
		}
	}
}

// Numbers as they may be written in a file, and what they should be to all parameters
// that hold numbers: whole ones without a limit, ports, modes and costs.
var numbers = []struct{ text, goodFor string }{
	{"0", "whole port mode"}, {"1", "whole port mode cost"}, {"1.5", "whole port mode cost"}, {"0.5", "whole port mode cost"},
	{"-0.5", "whole port mode"}, {"-1", ""}, {"-1.5", ""}, {"65535", "whole port mode cost"}, {"65535.5", "whole port mode cost"},
	{"65536", "whole cost"}, {"1e3", "whole port mode cost"}, {"1e300", "cost"},
	{`"0"`, "whole port mode"}, {`"1"`, "whole port mode cost"}, {`"+1"`, "whole port mode cost"}, {`"1.5"`, "cost"}, {`".5"`, "cost"}, {`"0.0"`, ""},
	{`"-1"`, ""}, {`"-1.5"`, ""}, {`"0644"`, "whole port mode cost"}, {`"0x1f"`, "whole port mode"}, {`"0x1p4"`, "cost"}, {`"0x0p4"`, ""}, {`"1e3"`, "cost"},
	{`"x"`, ""}, {`"NaN"`, ""}, {`"Inf"`, ""}, {"true", ""}, {"[]", ""}, {"{}", ""},
}

// others are the parameters that an action wants beside.
var others = map[string]string{
	"tcp-listener": `"port": 0`, "udp-listener": `"port": 0`, "ws-listener": `"port": 0`,
	"tcp-peer": `"address": "h:1"`, "udp-peer": `"address": "h:1"`, "ws-peer": `"address": "ws://h"`,
	"tcp-server": `"port": 0, "remotenode": "a", "remoteservice": "b"`, "udp-server": `"port": 0, "remotenode": "a", "remoteservice": "b"`,
	"unix-socket-server": `"filename": "s", "remotenode": "a", "remoteservice": "b"`, "control-service": `"filename": "s"`,
	"work-command": `"worktype": "a", "command": "b"`, "work-python": `"worktype": "a", "plugin": "b", "function": "c"`,
	"work-kubernetes": `"worktype": "a", "authmethod": "incluster", "namespace": "b", "image": "c"`, "node": `"id": "a"`,
}

// What the schema takes as a number is read as one, and what it refuses is refused:
// for each parameter, in both forms of a file.
func TestSchemaAndReaderAgreeOnNumbers(t *testing.T) {
	s := validator(t)
	seen := 0
	for i := range table {
		a := &table[i]
		for _, p := range a.params {
			kind, tested := "", a.is&(hidden|exclusive) == 0
			switch p.at(a.fresh()).(type) {
			case *int:
				kind = "whole"
				if p.name == "port" {
					kind = "port"
				}
			case *fs.FileMode:
				kind = "mode"
			case *float64, *map[string]float64:
				kind = "cost"
			}
			if kind == "" || !tested {
				continue
			}
			for _, n := range numbers {
				value, good := n.text, slices.Contains(strings.Fields(n.goodFor), kind)
				if p.name == "nodecost" {
					value, good = `{"x": `+n.text+`}`, good && !strings.HasPrefix(n.text, `"`)
				}
				params := strings.TrimPrefix(strings.ReplaceAll(", "+others[a.name], fmt.Sprintf(", %q: 0", p.name), "")+", ", ", ")
				entry := fmt.Sprintf("{%s%q: %s}", params, p.name, value)
				for _, text := range []string{fmt.Sprintf("[{%q: %s}]", a.name, entry), fmt.Sprintf("{%q: %s}", a.sectionName(), entry)} {
					seen++
					good := good || kind == "cost" && p.name == "cost" && n.text == "0" && text[0] == '{' // as if it were not there
					_, reads := Parse([]string{"-c", "f"}, world(map[string]string{"f": text}))
					if takes := validate(t, s, text); (takes == nil) != good || (reads == nil) != good {
						t.Errorf("%s should be good: %v\nschema: %v\nreader: %v", text, good, takes, reads)
					}
				}
			}
		}
	}
	if seen < 1000 {
		t.Errorf("%d documents only", seen)
	}
}
