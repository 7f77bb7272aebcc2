package config

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
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
