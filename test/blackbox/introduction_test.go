package blackbox

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"receptor/test/blackbox/harness"
)

var initialized = regexp.MustCompile(`(?m)^INFO \d{4}/\d\d/\d\d \d\d:\d\d:\d\d Initialization complete$`)

func TestHelpAndVersion(t *testing.T) {
	w := newWorld(t)
	help, _, code := w.run(programs.Receptor, "--help")
	if code != 0 || !strings.HasPrefix(help, "Usage: receptor ") {
		t.Errorf("--help: exit status %d, %.80q", code, help)
	}
	for _, action := range []string{
		"node", "local-only", "log-level", "tcp-listener", "tcp-peer", "control-service", "work-command", "debug", "version",
	} {
		if !strings.Contains(help, "--"+action+":") {
			t.Errorf("--help says nothing of --%s", action)
		}
	}
	version, _, code := w.run(programs.Receptor, "--version")
	if code != 0 || len(strings.Fields(version)) != 1 {
		t.Errorf("--version: exit status %d, %q", code, version)
	}
	if help, _, code = w.run(programs.Receptorctl, "--help"); code != 0 || !strings.Contains(help, "status") {
		t.Errorf("receptorctl --help: exit status %d, %q", code, help)
	}
}

// The commands of the introduction as it has them, with a control service and a data folder of
// the test's own added.
func TestIntroductionCommandLine(t *testing.T) {
	w := newWorld(t)
	foo := w.node("foo", []string{"--local-only", "--", "log-level", "Debug"})
	w.up(foo)
	w.logHas(foo, "Initialization complete")
	log, err := os.ReadFile(foo.LogFile)
	w.must(err)
	if !initialized.Match(log) {
		t.Errorf("no line of the known layout in the log:\n%s", log)
	}
	w.must(foo.Stop(w.ctx))
}

const fooYAML = `---
- node:
    id: foo
    datadir: DATA
- local-only
- log-level:
    level: Debug
- control-service:
    filename: SOCKET
`

func TestIntroductionConfigFile(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(w.Dir, "foo.yml")
	n := w.fromFile("foo", file)
	text := strings.NewReplacer("DATA", n.DataDir, "SOCKET", n.Socket).Replace(fooYAML)
	w.must(os.WriteFile(file, []byte(text), 0o600))
	w.up(n)
	w.logHas(n, "Initialization complete")

	// The socket is found through the same file.
	stdout, stderr, code := w.run(programs.Receptorctl, "--config", file, "status")
	if code != 0 || !strings.HasPrefix(stdout, "Node ID: foo\n") {
		t.Errorf("status: exit status %d, %q, %q", code, stdout, stderr)
	}
}

// fromFile describes a daemon that takes everything from a configuration file.
func (w *world) fromFile(id, file string) *harness.Node {
	n := w.Node(programs.Receptor, id)
	n.ConfigFile = file
	return n
}

func TestStatusPrintsTheTable(t *testing.T) {
	w := newWorld(t)
	foo := w.node("foo", []string{"--local-only"}, harness.Command("cat", "cat", ""))
	w.up(foo)
	text := w.ctl(foo, "status")
	for _, want := range []string{
		`^Node ID: foo$`, `^Version: \S+$`, `^System CPU Count: \d+$`, `^System Memory MiB: \d+$`,
		`^Node         Service   Type       Last Seen             Tags`,
		`^foo          control   Stream     \d{4}-\d\d-\d\d \d\d:\d\d:\d\d   `,
		`^foo          cat$`,
	} {
		if !regexp.MustCompile(`(?m)` + want).MatchString(text) {
			t.Errorf("no line %s in\n%s", want, text)
		}
	}
}

func TestNoSocketIsExplained(t *testing.T) {
	w := newWorld(t)
	_, stderr, code := w.run(programs.Receptorctl, "status")
	if code == 0 || !strings.Contains(stderr, "--socket") || !strings.Contains(stderr, "RECEPTORCTL_SOCKET") {
		t.Errorf("exit status %d, %q", code, stderr)
	}
}

func TestCleanStopLeavesNothing(t *testing.T) {
	w := newWorld(t)
	a, b, c := w.chain()
	for _, n := range []*harness.Node{b, a, c} {
		w.must(n.Stop(w.ctx))
		if _, err := os.Stat(n.Socket); !os.IsNotExist(err) {
			t.Errorf("the socket of %s is left: %v", n.ID, err)
		}
	}
	w.must(w.NothingLeft(w.ctx))
}
