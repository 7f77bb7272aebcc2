package config

import (
	"maps"
	"reflect"
	"strings"
	"testing"
)

func TestIntroductionFile(t *testing.T) {
	file := "---\n- node:\n    id: foo\n\n- local-only\n\n- log-level:\n    level: Debug\n"
	c := mustParse(t, map[string]string{"foo.yml": file}, "--config", "foo.yml")
	if c.Node.ID != "foo" || !c.LocalOnly || c.LogLevel != "debug" {
		t.Errorf("%+v", c)
	}
}

func TestFileWithAllForms(t *testing.T) {
	file := `---
- Node:
    ID: 0123
- log-level: Debug
- tcp-listener:
    port: 1.5
    nodecost: {bar: 1.6, fish: 2}
    allowedPeers: [a, 17]
- tcp-listener: "0"
- local-only: {}
- debug:
- control-service: {service: c, permissions: 0660, filename: /s}
- tcp-peer: {address: "h:1", redial: no, allowedpeers: '["x"]', cost: "0x10p0"}
- work-command:
    workType: cat
    command: cat
...
`
	c := mustParse(t, map[string]string{"f": "\ufeff" + strings.ReplaceAll(file, "\n", "\r\n")}, "-c", "f")
	if c.Node.ID != "83" || !c.LocalOnly || !c.Debug || c.LogLevel != "debug" || c.WorkCommands[0].WorkType != "cat" {
		t.Errorf("%+v", c)
	}
	listener := Listener{BindAddr: "0.0.0.0", Port: 1, Cost: 1, NodeCost: map[string]float64{"bar": 1.6, "fish": 2}, AllowedPeers: []string{"a", "17"}}
	if !reflect.DeepEqual(c.TCPListeners[0], listener) {
		t.Errorf("listener %+v", c.TCPListeners[0])
	}
	if p := c.TCPPeers[0]; p.Redial || p.Cost != 16 || !reflect.DeepEqual(p.AllowedPeers, []string{"x"}) {
		t.Errorf("peer %+v", p)
	}
	if s := c.ControlServices[0]; s.Permissions != 0o660 || s.Service != "c" {
		t.Errorf("control service %+v", s)
	}
}

func TestFilesWithoutActions(t *testing.T) {
	for _, file := range []string{"", "---\n", "# nothing\n", "[]", "---\n...\n"} {
		if c := mustParse(t, map[string]string{"f": file}, "-c", "f", "--local-only"); !c.LocalOnly {
			t.Errorf("%q: %+v", file, c)
		}
	}
}

func TestOnlyTheFirstDocumentCounts(t *testing.T) {
	c := mustParse(t, map[string]string{"f": "- node: a\n---\n- node: b\n"}, "-c", "f")
	if c.Node.ID != "a" {
		t.Errorf("node ID %q", c.Node.ID)
	}
}

func TestAnchorsAndMergeKeys(t *testing.T) {
	file := "- tcp-peer: &p {address: 'h:1', cost: 2}\n- tcp-peer: {<<: *p, address: 'i:1'}\n"
	c := mustParse(t, map[string]string{"f": file}, "-c", "f")
	if p := c.TCPPeers[1]; p.Cost != 2 || p.Address != "i:1" {
		t.Errorf("peer %+v", p)
	}
	file = "- tcp-listener: {port: 1, nodecost: &n {a: 2, b: 3}}\n- tcp-listener: {port: 2, nodecost: {<<: *n, b: 4}}\n" +
		"- tcp-listener: {port: 3, nodecost: {<<: [*n, {c: 6}], b: 5}}\n"
	c = mustParse(t, map[string]string{"f": file}, "-c", "f")
	for i, want := range []map[string]float64{{"a": 2, "b": 3}, {"a": 2, "b": 4}, {"a": 2, "b": 5, "c": 6}} {
		if got := c.TCPListeners[i].NodeCost; !maps.Equal(got, want) {
			t.Errorf("listener %d: costs %v, want %v", i, got, want)
		}
	}
}

func TestFileStandsAtItsPlace(t *testing.T) {
	files := map[string]string{"a": "- tcp-peer: 'a:1'", "b": "- tcp-peer: 'b:1'"}
	c := mustParse(t, files, "-c", "a", "--tcp-peer", "x:1", "--config", "b")
	order := make([]string, 0, len(c.TCPPeers))
	for _, p := range c.TCPPeers {
		order = append(order, p.Address)
	}
	if !reflect.DeepEqual(order, []string{"a:1", "x:1", "b:1"}) {
		t.Errorf("order %q", order)
	}
}

func TestFileErrors(t *testing.T) {
	for _, c := range []struct{ file, want string }{
		{"foo", `error loading config file: the top level is a single value; write a list of actions, such as "- node:", or a map of them (f:1:1)`},
		{"- node:\n  id: [", "error loading config file: yaml: line 2: did not find expected node content (f:2)"},
		{"- node:\n\tid: a", "error loading config file: yaml: line 2: found character that cannot start any token (f:2)"},
		{"- node:\n  id: foo\n", "error loading config file: config format invalid: item has multiple names: indent the parameters of node further than its name (f:1:3)"},
		{"- {}", "error loading config file: config format invalid: item has multiple names (f:1:3)"},
		{"- 1", "error loading config file: unknown config file format: write an action's name, or its name with parameters (f:1:3)"},
		{"- local-only\n-\n", "error loading config file: unknown config file format: write an action's name, or its name with parameters (f:2:2)"},
		{"- local-only\n\n- bogus: {}", `error loading config file: could not get config type for command bogus: unknown config type bogus (did you mean "node"?) (f:3:3)`},
		{"[{tcp-peers: 'h:1'}]", `error loading config file: could not get config type for command tcp-peers: unknown config type tcp-peers (did you mean "tcp-peer"?) (f:1:3)`},
		{"- config: x.yml", "error loading config file: could not get config type for command config: unknown config type config (only on the command line) (f:1:3)"},
		{"- node: {bogus: 1}", `error loading config file: field bogus not defined for command node: unknown field name bogus (did you mean "id"?) (f:1:10)`},
		{"- node: {id: a, ID: b}", "error loading config file: error setting field id in command node: given twice (f:1:10)"},
		{"- node: {id: }", "error loading config file: error setting field id in command node: value cannot be nil (f:1:10)"},
		{"- node: ''", "error loading config file: error setting field id in command node: value must not be empty (f:1:3)"},
		{"- node: {id: [a]}", "error loading config file: error setting field id in command node: type error (expected string) (f:1:10)"},
		{"- node: n", "error loading config file: invalid config format for node (f:1:3)"},
		{"- tcp-listener: 0", "error loading config file: invalid config format for tcp-listener (f:1:3)"},
		{"- local-only: true", "error loading config file: invalid config format for local-only (f:1:3)"},
		{"- local-only: x", "error loading config file: could not get barevalue for command local-only: command does not allow bare values (f:1:3)"},
		{"- local-only: {local: 1}", "error loading config file: error setting field local in command local-only: type error (expected bool) (f:1:16)"},
		{"- tcp-listener: {port: abc}", `error loading config file: error setting field port in command tcp-listener: strconv.ParseInt: parsing "abc": invalid syntax (f:1:18)`},
		{"- tcp-listener: {port: yes}", "error loading config file: error setting field port in command tcp-listener: type error (expected int) (f:1:18)"},
		{"- tcp-listener: {port: 1e30}", "error loading config file: error setting field port in command tcp-listener: 1e+30 is out of range (f:1:18)"},
		{"- tcp-listener: {port: 1, cost: no}", "error loading config file: error setting field cost in command tcp-listener: type error (expected float64) (f:1:27)"},
		{"- tcp-listener: {port: 1, allowedpeers: [~]}", "error loading config file: error setting field allowedpeers in command tcp-listener: invalid value <nil>: must be type string (f:1:27)"},
		{"- tcp-listener: {port: 1, allowedpeers: 1}", "error loading config file: error setting field allowedpeers in command tcp-listener: type error (expected []string) (f:1:27)"},
		{"- tcp-listener: {port: 1, nodecost: {a: '1'}}", "error loading config file: error setting field nodecost in command tcp-listener: invalid value 1: must be type float64 (node a) (f:1:27)"},
		{"- tcp-listener: {port: 1, nodecost: {a: ~}}", "error loading config file: error setting field nodecost in command tcp-listener: invalid value <nil>: must be type float64 (node a) (f:1:27)"},
		{"- tcp-listener: {port: 1, nodecost: {a: 1, n: 2}}", "error loading config file: error setting field nodecost in command tcp-listener: a name is read as false: write it in quotes (f:1:27)"},
		{"- tcp-listener: {port: 1, nodecost: {010: 2}}", "error loading config file: error setting field nodecost in command tcp-listener: a name is read as 8: write it in quotes (f:1:27)"},
		{"- tcp-listener:", "error loading config file: error in tcp-listener: required parameter missing: port (f:1:3)"},
		{"- node: a\n- node: b", "error loading config file: only one node directive is allowed (f:2:3)"},
		{"- local-only\n- node: '\xff'", "error loading config file: line 2: not text in UTF-8: byte 0xff at offset 22 (f:2)"},
		{"- local-only\n- tcp-peer: {address: 'h:1', cost: -1}", "connection cost must be positive (f:2:3)"},
		{"- version\n- local-only", "cannot specify any other options with version"},
	} {
		_, err := Parse([]string{"-c", "f"}, world(map[string]string{"f": c.file}))
		if err == nil || err.Error() != c.want {
			t.Errorf("%q\ngot  %v\nwant %s", c.file, err, c.want)
		}
	}
}

func TestNullListsAreUnset(t *testing.T) {
	c := mustParse(t, map[string]string{"f": "- tcp-listener: {port: 1, allowedpeers: , nodecost: ~}"}, "-c", "f")
	if l := c.TCPListeners[0]; l.AllowedPeers != nil || l.NodeCost != nil {
		t.Errorf("listener %+v", l)
	}
}

func TestFileWarnings(t *testing.T) {
	for text, want := range map[string]string{
		"- node: {id: n}":               `id of node is read as false: write "n" if that is meant (f:1:10)`,
		"- node:\n    id: a\n    id: b": "node has id twice, first in line 2: the last one counts (f:3:5)",
		"- node: a\n---\n- node: b\n":   "only the first document of f is read",
		"- node: {id: 'n'}\n---\n# x":   "",
		"- node: {id: true}":            "",
	} {
		if c := mapped(t, text); strings.Join(c.Warnings, "\n") != want {
			t.Errorf("%s\ngot  %q\nwant %q", text, c.Warnings, want)
		}
	}
}

// Every place is the one an editor would go to.
func TestPlaces(t *testing.T) {
	text := "# x\n---\n  - a:\n      - b\n      - {c: &k d, e: *k}\n  -\n    f: |\n      - g\n...\n- h"
	root, more := readPlaces([]byte(text))
	for _, c := range []struct {
		at   *place
		want string
	}{
		{root, "f:3:3"},
		{root.entry(0), "f:3:5"},
		{root.entry(0).field("a").entry(0), "f:4:9"},
		{root.entry(0).field("a").entry(1).field("e"), "f:5:19"},
		{root.entry(0).field("a").entry(1).field("nowhere"), "f:5:9"},
		{root.entry(1).field("f"), "f:7:5"},
		{root.entry(9), "f:3:3"},
		{(*place)(nil).field("x").entry(1), "in f"},
	} {
		if got := c.at.at("f"); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
	if more {
		t.Error("what follows the end of a document is no second one")
	}
}
