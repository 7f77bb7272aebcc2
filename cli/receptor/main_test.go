package main

import (
	"strings"
	"testing"
)

// nothing is a standard input that is at its end.
var nothing = strings.NewReader("")

// What needs no node: it is shown, or refused.
func TestRunWithoutNode(t *testing.T) {
	for _, c := range []struct {
		args   string
		status int
		want   string
	}{
		{"", 0, "Usage: receptor "},
		{"--help", 0, "Usage: receptor "},
		{"-h", 0, "Usage: receptor "},
		{"--version", 0, "Version unknown\n"},
		{"--bogus", 1, "Error: command error: unknown config type bogus"},
		{"help", 1, "Error: parameter specified before command\n"},
		{"completion", 1, "Error: parameter specified before command\n"},
		{"--generate-bash-completion", 1, "Error: command error: unknown config type generate-bash-completion"},
		{"--node id=foo --local-only - log-level Debug", 1,
			"Error: command error: unknown config type \"\": a lone \"-\" stands before \"log-level\"; write --log-level Debug\n"},
		{"--node foo --cert-init commonname=a", 1, "Error: error in --cert-init: required parameters missing: outcert, outkey\n"},
		{"--cert-init commonname= outcert=a outkey=b", 1, "Error: must provide CommonName\n"},
		{"--cert-signreq req=/nope cacert=/nope cakey=/nope outcert=/nope", 1, "Error: open /nope: no such file or directory\n"},
		{"--node foo --control-service --log-level error", 1, "Run /usr/bin/receptor --help for command line instructions.\n"},
	} {
		var out strings.Builder
		status := run(append([]string{"/usr/bin/receptor"}, strings.Fields(c.args)...), nothing, &out)
		if status != c.status || !strings.HasPrefix(out.String(), c.want) {
			t.Errorf("receptor %s: status %d, output\n%s", c.args, status, out.String())
		}
	}
}

func TestNothingToDo(t *testing.T) {
	var out strings.Builder
	status := run([]string{"./receptor", "--node", "id=foo"}, nothing, &out)
	lines := strings.SplitAfter(out.String(), "\n")
	if status != 1 || len(lines) != 3 || !strings.HasPrefix(lines[0], "WARNING ") ||
		!strings.HasSuffix(lines[0], " Nothing to do - no backends are running.\n") ||
		lines[1] != "Run ./receptor --help for command line instructions.\n" {
		t.Errorf("status %d, output %q", status, lines)
	}
}

func TestNoArgumentsAtAll(t *testing.T) {
	var out strings.Builder
	if status := run(nil, nothing, &out); status != 0 || !strings.HasPrefix(out.String(), "Usage: receptor ") {
		t.Errorf("status %d, output %q", status, out.String())
	}
}
