package arch

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// smallProgram starts with every unit of work: what is linked into it is paid for
// each time.
const smallProgram = "./cli/receptor-runner"

var smallParts = []string{
	"receptor/cli/receptor-runner",
	"receptor/actors/work/runner", "receptor/actors/work/process", "receptor/actors/work/store", "receptor/actors/work/unit",
	"github.com/google/shlex", "golang.org/x/sys/unix",
}

func TestTheRunnerStaysSmall(t *testing.T) {
	// The other packages of the standard library start in no time.
	slow := []string{"net", "net/http", "crypto/tls", "crypto/x509", "log/slog", "text/template", "regexp"}
	cmd := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}+{{end}}{{.ImportPath}}", smallProgram)
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for path := range strings.FieldsSeq(string(out)) {
		path, ours := strings.CutPrefix(path, "+")
		if ours && !slices.Contains(smallParts, path) || slices.Contains(slow, path) {
			t.Errorf("%s depends on %s", smallProgram, path)
		}
	}
}
