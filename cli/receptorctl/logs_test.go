package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

func asksErrors(unit string, from, follow string) string {
	return `{"command":"work","subcommand":"stderr","unitid":"` + unit + `","startpos":` + from + `,"follow":` + follow + `}`
}

func streamsErrors(unit, text string) answer {
	return answer{text: "Streaming stderr for work unit " + unit + "\n" + text, hangUp: true}
}

func TestLogsShowWhatIsThere(t *testing.T) {
	// The stream of results goes on: the unit runs.
	open := answer{text: "Streaming results for work unit u\nout\n", upload: true}
	node := startFake(t, script{
		"work status u": {isIn(1, "Running", 4)}, "work results u 0": {open},
		asksErrors("u", "0", "false"): {streamsErrors("u", "oops\n")},
	})
	node.ctl(t, "work", "logs", "u").want(t, "out\n", "oops\n", 0)
	node.ctl(t, "work", "logs", "u", "--stdout").want(t, "out\n", "", 0)
	node.ctl(t, "work", "logs", "u", "--stderr").want(t, "", "oops\n", 0)
	node.ctl(t, "work", "logs", "u", "--json").want(t, `{"stream":"stdout","offset":0,"base64":"b3V0Cg=="}
{"stream":"stderr","offset":0,"base64":"b29wcwo="}
{"unitid":"u","status":{"State":1,"StateName":"","Detail":"Running","StdoutSize":4,"WorkType":"x","ExtraData":null}}
`, "", 0)
}

func TestLogsAreFollowedToTheEnd(t *testing.T) {
	failed := isIn(3, "exit status 3", 8)
	node := startFake(t, script{
		"work status u":              {isIn(1, "Running", 4), isIn(1, "Running", 4), failed},
		"work results u 0":           {streams("u", "out\n")},
		"work results u 4":           {streams("u", "more")},
		asksErrors("u", "0", "true"): {streamsErrors("u", "oops\n")},
	})
	node.ctl(t, "work", "logs", "-f", "u").want(t, "out\nmore", "oops\nERROR: Remote unit failed: exit status 3\n\n", 1)
}

// Nodes of the existing system know nothing of a unit's standard error.
func TestLogsOfNodesWithoutStandardError(t *testing.T) {
	node := startFake(t, script{
		"work status u": {isIn(2, "", 4)}, "work results u 0": {streams("u", "out\n")},
		asksErrors("u", "0", "false"): {says("ERROR: bad command")}, asksErrors("u", "0", "true"): {says("ERROR: bad command")},
	})
	const warning = "Warning: no standard error: this node does not keep standard error apart: its version puts it into the output\n"
	node.ctl(t, "work", "logs", "u").want(t, "out\n", warning, 0)
	node.ctl(t, "work", "logs", "u", "-f").want(t, "out\n", warning, 0)
	node.ctl(t, "work", "logs", "u", "--stderr").want(t, "",
		"ERROR: Failed to get standard error: this node does not keep standard error apart: its version puts it into the output\n"+
			"See receptorctl work logs --stdout u.\n", 1)
	node.ctl(t, "work", "logs", "nope").want(t, "", "ERROR: Unknown command\n", 1)
}

func TestCtrlCLeavesTheLogs(t *testing.T) {
	hold := make(chan struct{})
	node := startFake(t, script{
		"work status u":              {isIn(1, "Running", 0)},
		"work results u 0":           {{text: "Streaming results for work unit u\nfirst", hold: hold, hangUp: true}},
		asksErrors("u", "0", "true"): {{text: "Streaming stderr for work unit u\n", hold: hold, hangUp: true}},
	})
	t.Cleanup(func() { close(hold) })
	ctx, cancel := context.WithCancelCause(t.Context())
	out := &cancelWriter{cancel: cancel}
	var errs bytes.Buffer
	code := runWith(ctx, console{in: strings.NewReader(""), out: out, err: &errs}, "--socket", node.path, "work", "logs", "-f", "u")
	outcomeOf{out.String(), errs.String(), code}.want(t, "first",
		"\nDetached from unit u, which goes on. To see it again:\n  receptorctl --socket "+node.path+" work logs --follow u\n", 130)
}

// What another node has is read there.
func TestLogsOfAnotherNode(t *testing.T) {
	there := says("Connecting", "Receptor Control, node bar")
	node := startFake(t, script{
		"connect bar control ": {there}, "connect bar control c": {there}, "connect baz control ": {says("ERROR: no route to node")},
		"work status u": {isIn(2, "", 4)}, "work results u 0": {streams("u", "out\n")},
		asksErrors("u", "0", "false"): {streamsErrors("u", "oops\n")}, asksErrors("u", "0", "true"): {says("ERROR: bad command")},
	})
	node.ctl(t, "work", "logs", "--node", "bar", "u").want(t, "out\n", "oops\n", 0)
	var connected int
	for _, line := range node.lines() {
		if line == "connect bar control " {
			connected++
		}
	}
	if connected != 3 {
		t.Errorf("%d of three questions went to bar: %q", connected, node.lines())
	}
	node.ctl(t, "work", "logs", "--node", "baz", "u").want(t, "", "ERROR: ERROR: no route to node\n", 1) // as all clients say
	got := node.ctl(t, "work", "logs", "--follow", "--stderr", "--node", "bar", "--tls-client", "c", "u")
	if !strings.Contains(got.err, "See receptorctl work logs --stdout --node bar --tls-client c u.") {
		t.Errorf("%q", got.err)
	}
}
