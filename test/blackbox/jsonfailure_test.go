package blackbox

import (
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
)

// isJSON is a text of whole documents of JSON, at least one.
func isJSON(text string) error {
	dec := json.NewDecoder(strings.NewReader(text))
	for n := 0; ; n++ {
		var one json.RawMessage
		err := dec.Decode(&one)
		switch {
		case errors.Is(err, io.EOF) && n > 0:
			return nil
		case err != nil:
			return err
		}
	}
}

// Whatever a command asks for that is not there: with --json standard output says so in
// JSON.
func TestFailuresAreJSONWhenAsked(t *testing.T) {
	w := newWorld(t)
	foo := w.node("foo", []string{"--local-only", "--debug"})
	w.up(foo)
	for _, c := range []struct {
		args, says string
		code       int
	}{
		{"status --node nosuch", `{"error": "`, 1},
		{"tree node/nosuch", `{"error": "`, 1},
		{"tree --node nosuch", `{"error": "`, 1},
		{"top --count 1 --node nosuch", `{"error": "`, 1},
		{"events --node nosuch", `{"error": "`, 1},
		{"ping nosuch --count 1", `"Error": "no route to node"`, 2},
		{"traceroute nosuch", `"Error": "no route to node"`, 0},
		{"doctor nosuch", `nothing is known of a node nosuch`, 1},
		{"doctor nosuch control", `nothing is known of a node nosuch`, 1},
		{"doctor unit nosuch", `"fail"`, 1},
		{"work submit nosuch --no-payload", `{"error": "Failed to start work unit: unknown work type nosuch"`, 101},
		{"work submit nosuch --no-payload --follow --rm", `{"error": "Failed to start work unit: unknown work type nosuch"`, 101},
		{"work submit", `{"error": "Missing parameter: worktype", "note": "See receptorctl work submit --help."}`, 1},
		{"work status nosuch", `{"error": "unknown work unit nosuch"}`, 1},
		{"work results nosuch", `"error": "Failed to get results: unknown work unit nosuch"`, 1},
		{"work logs nosuch", `{"error": "unknown work unit nosuch"}`, 1},
		{"work logs nosuch --follow", `{"error": "unknown work unit nosuch"}`, 1},
		{"work list --unit_id nosuch", `{"error": "unknown work unit nosuch"}`, 1},
		{"work list --node nosuch", `{"error": "`, 1},
		{"work cancel nosuch", `"error": "unknown work unit nosuch"`, 1},
		{"work release nosuch", `"error": "unknown work unit nosuch"`, 1},
		{"act restart node/nosuch", `{"error": "`, 1},
		{"act link-down nosuch", `{"error": "`, 1},
		{"act log-level node/nosuch debug", `{"error": "`, 1},
		{"act trace node/nosuch", `{"error": "`, 1},
	} {
		out, errs, code := w.tries(foo, append(strings.Fields(c.args), "--json")...)
		if err := isJSON(out); err != nil || !strings.Contains(out, c.says) || code != c.code {
			t.Errorf("%s: exit status %d, %v\n%s%s", c.args, code, err, out, errs)
		}
	}
	gone := filepath.Join(w.Dir, "gone.sock")
	out, errs, code := w.run(programs.Receptorctl, "--socket", gone, "work", "status", "u", "--json")
	if want := `{"error": "Socket path does not exist: ` + gone + `", `; !strings.HasPrefix(out, want) || !strings.HasPrefix(errs, "ERROR: Socket path") || code != 1 {
		t.Errorf("exit status %d\n%s%s", code, out, errs)
	}
}
