package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// The dialogues that were recorded from the existing system: what ends there ends
// here with the same text, to which a hint may be added, and what runs there is good
// here. Where it is wrong, the note says what is done instead.
func TestRecordedStarts(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for name, text := range map[string]string{
		"empty.yml": "", "bare.yml": "- local-only: true\n", "fraction.yml": "- node: foo\n- tcp-listener: {port: 1.5}\n", "node.yml": "- node: foo\n",
		"map.yml": "version: 2\nnode: {id: foo}\nlocal-only: {local: true}\n", "map.conf": "version: 2\nnode: {id: foo}\nlocal-only: {local: true}\n",
		"level.yml": "node: {id: foo}\nlog-level: {level: trace}\nlocal-only: {local: true}\n",
	} {
		write(t, dir, name, text)
	}
	const runs, nothingToDo = "The configuration is good.", "Run receptor --help for command line instructions.\n"
	for _, c := range []struct{ number, line, want string }{
		{"1", "", "Usage: receptor "},
		{"2", "--version", "Version unknown\n"},
		{"2", "-version", "Version unknown\n"},
		{"2", "--VERSION", "Version unknown\n"},
		{"3", "--node id=foo --log-level error", nothingToDo},
		{"4", "--local-only", runs},
		{"5", "--Node ID=foo --Local-Only", runs},
		{"6", "--node foo --local-only local=maybe", "Error: error setting config value for field local: could not parse maybe as boolean\n"},
		{"7", "--node foo --node bar --local-only", "Error: directive \"node\" is only allowed once\n"},
		{"8", "--node foo --tcp-listener port=0x10", runs},
		{"9", "--node foo --tcp-listener port=", "Error: error setting config value for field port: strconv.ParseInt: parsing \"\": invalid syntax\n"},
		{"10", `--node foo --tcp-listener port=0 nodecost={"a":-1}`, "Error: connection cost must be positive for a\n"},
		{"11", "--node foo --tcp-peer 127.0.0.1:1", runs},
		{"12", "--node foo --tcp-peer 127.0.0.1:1 redial=no", runs},
		{"13", "--node foo --local-only --log-level", runs},
		{"14", "--node foo --local-only --log-level trace", "Error: trace is not a valid log level name"},
		{"15", "--node id=LocalHost --local-only", "Error: node ID \"localhost\" is reserved\n"},
		{"16", "--node foo --version", "Error: cannot specify any other options with version\n"},
		{"18", "--node foo --local-only --control-service permissions=0o640 filename=s", runs},
		{"19", "--node foo --local-only --control-service service=ping", "Error: error opening Unix socket: service ping is already listening\n"},
		{"21", "--cert-makereq commonname=x outreq=a outkey=b", "Error: must specify key bits when creating a new key\n"},
		{"23", "--config empty.yml --log-level error", nothingToDo},
		{"24", "--config bare.yml", "Error: error loading config file: invalid config format for local-only"},
		{"25", "--config fraction.yml", runs},
		{"26", "--config node.yml --node bar", "Error: directive \"node\" is only allowed once\n"},
		{"27, which the later one won", "--node bar --config node.yml", "Error: directive \"node\" is only allowed once"},
		{"28", "--config-v2 --config map.yml", "Running v2 cli/config\nUsing config file: map.yml\n" + runs},
		{"29, which was taken for empty", "--config-v2 --config map.conf", "Running v2 cli/config\nUsing config file: map.conf\n" + runs},
		{"30, which ran on", "--config-v2 --config level.yml", "Running v2 cli/config\nError: trace is not a valid log level name"},
	} {
		args := append([]string{"receptor"}, strings.Fields(c.line)...)
		if strings.Contains(c.want, runs) {
			args = append(args, "--check")
		}
		var out strings.Builder
		status := run(args, nothing, &out)
		good := strings.HasPrefix(c.want, "Usage") || strings.HasPrefix(c.want, "Version") || strings.Contains(c.want, runs)
		if (status == 0) != good || !strings.HasPrefix(out.String(), c.want) {
			t.Errorf("%s: receptor %s: status %d\n%s", c.number, c.line, status, out.String())
		}
	}
	if found, err := filepath.Glob("*.lock"); err != nil || found != nil {
		t.Errorf("a check left %q, %v", found, err)
	}
}
