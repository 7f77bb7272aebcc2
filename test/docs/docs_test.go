package docs

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"receptor/test/blackbox/harness"
)

const (
	patience    = 3 * time.Minute // for a page
	tryFor      = 60              // seconds, for a command
	description = "%s:%d: %s"
)

// prelude runs one command after another in the same shell. What a command prints
// goes to a file of its number; a daemon in the background is waited for.
const prelude = `
set -u
daemons=()
trap 'kill "${daemons[@]}" 2>/dev/null; wait' EXIT
try() { # number, command
	local end=$((SECONDS + TRY))
	until eval "$2" >"$OUT/$1" 2>"$OUT/$1.err"; do
		if ((SECONDS >= end)); then echo "command $1 never worked" >&2; exit 1; fi
		sleep 0.1
	done
}
daemon() { # number, command
	local end=$((SECONDS + TRY))
	eval "exec $2" >"$OUT/$1" 2>&1 &
	daemons+=($!)
	until grep -q 'Initialization complete' "$OUT/$1"; do
		if ((SECONDS >= end)) || ! kill -0 $! 2>/dev/null; then echo "command $1 did not start" >&2; exit 1; fi
		sleep 0.05
	done
}
`

func TestPages(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("bash is not on this machine")
	}
	bin := programs(t)
	pages, err := filepath.Glob(filepath.Join("..", "..", "docs", "*.md"))
	if err != nil || len(pages) < 3 {
		t.Fatalf("pages %v, %v", pages, err)
	}
	for _, file := range pages {
		name := filepath.Base(file)
		if name == "configuration.md" {
			continue // generated; its examples are checked where they are made
		}
		t.Run(name, func(t *testing.T) { play(t, file, name, bin) })
	}
}

// programs is the folder of the built programs.
func programs(t *testing.T) string {
	t.Helper()
	if bin := os.Getenv("RECEPTOR_BIN"); bin != "" {
		return bin
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	bin := t.TempDir()
	if _, err := harness.BuildPrograms(ctx, bin); err != nil {
		t.Fatal(err)
	}
	return bin
}

// play runs a page in an empty folder.
func play(t *testing.T, file, name, bin string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p, err := parse(withFreePorts(t, string(text)))
	if err != nil {
		t.Fatalf("docs/%s: %v", name, err)
	}
	perform(t, p, "docs/"+name, bin)
}

// perform runs the commands of a page.
func perform(t *testing.T, p *page, name, bin string) {
	dir, err := os.MkdirTemp("", "rc-docs-") // short, for the paths of sockets
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	}()
	out := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", prelude+script(p))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "OUT="+out, fmt.Sprint("TRY=", tryFor))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	said, err := cmd.CombinedOutput()
	for i, c := range p.commands {
		printed, readErr := os.ReadFile(filepath.Join(out, strconv.Itoa(i)))
		where := fmt.Sprintf(description, name, c.line, c.text)
		switch {
		case readErr != nil:
			t.Fatalf("%s: it was not reached: %v\n%s", where, err, said)
		case c.output != "" && !matches(c.output, string(printed)):
			t.Errorf("%s\nprints:\n%swanted:\n%s", where, printed, c.output)
		}
		if err != nil && i == last(out, len(p.commands)) {
			complaint, _ := os.ReadFile(filepath.Join(out, strconv.Itoa(i)+".err")) // daemons have none
			t.Fatalf("%s: %v\n%s%s%s", where, err, said, printed, complaint)
		}
	}
}

// last is the number of the last command that was begun.
func last(out string, n int) int {
	for i := n - 1; i >= 0; i-- {
		if _, err := os.Stat(filepath.Join(out, strconv.Itoa(i))); err == nil {
			return i
		}
	}
	return 0
}

// script writes the files and tries the commands in their order.
func script(p *page) string {
	var s strings.Builder
	for i, c := range p.commands {
		for _, name := range c.files {
			fmt.Fprintf(&s, "printf %%s %s > %s\n", quote(p.files[name]), quote(name))
		}
		if text, ok := strings.CutSuffix(c.text, " &"); ok {
			fmt.Fprintf(&s, "daemon %d %s\n", i, quote(text))
		} else {
			fmt.Fprintf(&s, "try %d %s\n", i, quote(c.text))
		}
	}
	return s.String()
}

func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

var examplePort = regexp.MustCompile(`\b27\d{3}\b`)

// withFreePorts puts free ports in the place of those in the examples.
func withFreePorts(t *testing.T, text string) string {
	t.Helper()
	free := map[string]string{}
	return examplePort.ReplaceAllStringFunc(text, func(port string) string {
		if free[port] == "" {
			n, err := harness.FreePort()
			if err != nil {
				t.Fatal(err)
			}
			free[port] = strconv.Itoa(n)
		}
		return free[port]
	})
}

func TestParse(t *testing.T) {
	p, err := parse("x\n```yaml f.yml\na: 1\n```\n```sh\none \\\n two\nthree\n```\n```output\nt…e\n```\n```text\nno\n```\n")
	if err != nil || len(p.commands) != 2 {
		t.Fatalf("%+v, %v", p, err)
	}
	if c := p.commands[0]; c.text != "one \\\n two" || len(c.files) != 1 || p.files["f.yml"] != "a: 1\n" || c.output != "" {
		t.Errorf("%+v", c)
	}
	if c := p.commands[1]; c.text != "three" || c.line != 8 || !matches(c.output, "three\n") || matches(c.output, "threes\n") {
		t.Errorf("%+v", c)
	}
	for _, bad := range []string{"```sh\n", "```yaml\n```\n", "```go\n```\n"} {
		if _, err := parse(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
