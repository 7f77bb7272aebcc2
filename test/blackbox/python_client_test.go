package blackbox

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/creack/pty"

	"receptor/test/blackbox/harness"
)

// pythonClientVariable names the folder that has the package of the existing Python
// client, as it is.
const pythonClientVariable = "RECEPTOR_PYTHON_CLIENT"

// python is the existing client in an interpreter.
type python struct {
	w           *world
	interpreter string
	env         []string
}

// pythonClient finds the package, and an interpreter that has what it needs.
func (w *world) pythonClient() python {
	w.t.Helper()
	folder := os.Getenv(pythonClientVariable)
	if folder == "" {
		w.t.Skip("the Python client is missing: set " + pythonClientVariable + " to the folder of its package receptorctl")
	}
	if _, err := os.Stat(filepath.Join(folder, "receptorctl", "cli.py")); err != nil {
		w.t.Fatalf("%s: %v", pythonClientVariable, err)
	}
	// It asks for its own version, which only an installed package has.
	info := filepath.Join(w.Dir, "receptorctl-1.4.9.dist-info")
	w.must(os.Mkdir(info, 0o700))
	w.must(os.WriteFile(filepath.Join(info, "METADATA"), []byte("Metadata-Version: 2.1\nName: receptorctl\nVersion: 1.4.9\n"), 0o600))
	p := python{w: w, env: append(slices.DeleteFunc(os.Environ(), ofReceptorctl), w.Mark(),
		"PYTHONPATH="+folder+":"+w.Dir, "PYTHONDONTWRITEBYTECODE=1")}
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		p.interpreter = name
		if _, err := p.command("-c", "import receptorctl.cli").Output(); err == nil {
			return p
		}
	}
	w.t.Skip("no python3 that has the packages of the Python client: click, python-dateutil, PyYAML")
	return p
}

func (p python) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(p.w.ctx, p.interpreter, args...)
	cmd.Dir, cmd.Env = p.w.Dir, p.env
	return cmd
}

// ctl runs its command line for a node and wants an exit status.
func (p python) ctl(n *harness.Node, code int, args ...string) string {
	p.w.t.Helper()
	cmd := p.command(append([]string{"-m", "receptorctl", "--socket", n.Socket}, args...)...)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if got := cmd.ProcessState.ExitCode(); got != code {
		p.w.t.Fatalf("%s: exit status %d, want %d (%v)\n%s%s", strings.Join(args, " "), got, code, err, out, complaints.String())
	}
	if strings.TrimSpace(complaints.String()) == otherVersion {
		return string(out)
	}
	return string(out) + complaints.String()
}

// otherVersion is what the client says on standard error to every node but those of
// its own version.
const otherVersion = "Warning: receptorctl and receptor are different versions, they may not be compatible"

// says wants what the command line prints to match.
func (p python) says(n *harness.Node, code int, pattern string, args ...string) []string {
	p.w.t.Helper()
	out := p.ctl(n, code, args...)
	match := regexp.MustCompile(`(?s)` + pattern).FindStringSubmatch(out)
	if match == nil {
		p.w.t.Errorf("%s: %q does not match %q", strings.Join(args, " "), out, pattern)
		return make([]string, 2)
	}
	return match
}

func TestPythonCommandLine(t *testing.T) {
	w := newWorld(t)
	p := w.pythonClient()
	port := w.port()
	far := w.node("far", harness.Listener(port), harness.Command("upper", "tr", "a-z A-Z"),
		harness.Command("sleep", "sleep", "1000"), commandService("ask", `sh -c 'read x; echo you said $x'`))
	near := w.configured("near", fmt.Sprintf(`tcp-peer: {address: "127.0.0.1:%d"}`, port))
	w.up(far, near.Node)
	w.advertises(near.Node, "far", []string{"ask", "control"}, []string{"sleep", "upper"})

	p.says(near.Node, 0, `Node ID: near\n.*Route\s+Via\nfar\s+far\n.*upper`, "status")
	p.says(near.Node, 0, `"NodeID": "near"`, "status", "--json")
	p.says(near.Node, 0, `^Reply from far in .*\nReply from far in `, "ping", "far", "--count", "2", "--delay", "0.01")
	p.says(near.Node, 2, `no route to node`, "ping", "nobody", "--count", "1")
	p.says(near.Node, 0, `^0: near in .*\n1: far in `, "traceroute", "far")
	p.says(near.Node, 0, `receptorctl\s+1\.4\.9\n.*receptor\s+\S`, "version")

	if got := p.ctl(near.Node, 0, "work", "submit", "upper", "--node", "far", "--payload-literal", "shout", "--follow"); got != "SHOUT\n" {
		t.Errorf("followed: %q", got)
	}
	payload := w.file("payload", strings.Repeat("line of the payload\n", 10000))
	unit := p.says(near.Node, 0, `Result: Job Started\nUnit ID: (\w+)\n`, "work", "submit", "upper", "--node", "far", "--payload", payload)[1]
	if got := p.ctl(near.Node, 0, "work", "results", unit); got != strings.Repeat("LINE OF THE PAYLOAD\n", 10000) {
		t.Errorf("results: %d bytes", len(got))
	}
	p.says(near.Node, 0, unit, "work", "list")
	p.says(near.Node, 0, unit, "work", "list", "--quiet")
	p.says(near.Node, 0, `Released:\n\(`+unit+`, released\)`, "work", "release", unit)
	p.says(near.Node, 1, `unknown work unit `+unit, "work", "results", unit)
	p.says(near.Node, 101, `unknown work type nosuch`, "work", "submit", "nosuch", "--no-payload")

	unit = p.says(near.Node, 0, `Unit ID: (\w+)\n`, "work", "submit", "sleep", "--node", "far", "--no-payload")[1]
	p.says(near.Node, 0, `Cancelled:\n\(`+unit+`, cancelled\)`, "work", "cancel", unit)
	p.says(near.Node, 0, `Released:\n`, "work", "release", "--all")
	if got := p.ctl(near.Node, 0, "work", "list", "--quiet"); strings.TrimSpace(got) != "" {
		t.Errorf("left: %q", got)
	}

	p.says(near.Node, 0, `^Reload successful\n`, "reload")
	near.write(fmt.Sprintf(`tcp-peer: {address: "127.0.0.1:%d"}`, port), "udp-listener: {bindaddr: 127.0.0.1, port: 0}")
	p.says(near.Node, 0, `^Reload successful\n`, "reload")
	near.write("nonsense")
	p.says(near.Node, 4, `unknown config type nonsense`, "reload")
	p.connects(near.Node)
}

// connects talks to a service from a terminal.
func (p python) connects(n *harness.Node) {
	p.w.t.Helper()
	terminal, stdin, err := pty.Open()
	p.w.must(err)
	defer terminal.Close()
	cmd := p.command("-m", "receptorctl", "--socket", n.Socket, "connect", "far", "ask")
	cmd.Stdin = stdin
	out, err := cmd.StdoutPipe()
	p.w.must(err)
	p.w.must(cmd.Start())
	p.w.must(stdin.Close())
	_, err = io.WriteString(terminal, "hello\n")
	p.w.must(err)
	text, err := io.ReadAll(bufio.NewReader(out))
	if err != nil || !strings.Contains(string(text), "you said hello") {
		p.w.t.Errorf("connect: %q, %v", text, err)
	}
	p.w.must(cmd.Wait())
}

// libraryUse is a program that uses the library as others do.
const libraryUse = `
import sys
from receptorctl import ReceptorControl
rc = ReceptorControl(sys.argv[1])
status = rc.simple_command("status")
assert status["NodeID"] == "near", status
assert rc.simple_command("ping far")["Success"]
assert rc.simple_command('{"command":"status","requested_fields":["NodeID"]}') == {"NodeID": "near"}
result = rc.submit_work("upper", b"from bytes", node="far")
assert result["result"] == "Job Started", result
unit = result["unitid"]
assert rc.get_work_results(unit).read() == b"FROM BYTES"
sock, f = rc.get_work_results(unit, startpos=5, return_socket=True)
assert f.read() == b"BYTES"
assert unit in rc.simple_command("work list")
assert rc.simple_command("work status " + unit)["StateName"] == "Succeeded"
assert rc.simple_command("work release " + unit) == {"released": unit}
try:
    rc.simple_command("work status " + unit)
    raise SystemExit("a released unit has a status")
except RuntimeError as e:
    assert "unknown work unit" in str(e), e
with open(sys.argv[2], "rb") as payload:
    unit = rc.submit_work("upper", payload, node="far", ttl="1m", params={"extra": "ignored"})["unitid"]
assert rc.get_work_results(unit).read() == b"FROM A FILE\n"
rc.simple_command("work release " + unit)
rc.close()
rc.connect_to_service("far", "control", "")
rc.handshake()
assert rc._remote_node == "far", rc._remote_node
print("all is well")
`

func TestPythonLibrary(t *testing.T) {
	w := newWorld(t)
	p := w.pythonClient()
	port, control := w.port(), w.port()
	far := w.node("far", harness.Listener(port), harness.Command("upper", "tr", "a-z A-Z"))
	near := w.node("near", harness.Peer(port))
	near.Control = []string{fmt.Sprintf("tcplisten=127.0.0.1:%d", control)}
	w.up(far, near)
	w.advertises(near, "far", []string{"control"}, []string{"upper"})
	program, payload := w.file("use.py", libraryUse), w.file("payload", "from a file\n")
	for _, address := range []string{near.Socket, "unix:" + near.Socket, fmt.Sprintf("tcp://127.0.0.1:%d", control)} {
		out, err := p.command(program, address, payload).CombinedOutput()
		if err != nil || string(out) != "all is well\n" {
			t.Errorf("over %s: %v\n%s", address, err, out)
		}
	}
}
