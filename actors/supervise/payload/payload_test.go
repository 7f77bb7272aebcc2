package payload

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

func TestTrace(t *testing.T) {
	const begin = "PACKET TRACING ENABLED: Reading from stdin"
	path := filepath.Join(t.TempDir(), "stdin")
	for _, c := range []struct {
		level      Trace
		text, want string
	}{
		{-1, "x", ""}, {0, "x", ""}, {4, "x", ""},
		{1, "x", begin}, {2, "x", begin + " with work unit abc"},
		{3, "two\nlines\n", begin + " with work unit abc with a payload of: two\nlines"},
		{3, "no end", begin + " with work unit abc with a payload of: no end"},
		{3, "", begin + " with work unit abc with a payload of: "},
		{3, strings.Repeat("x", maxTraced+1), begin + " with work unit abc with a payload of: " + strings.Repeat("x", maxTraced) + "..."},
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := logged(t, zerolog.DebugLevel, c.level, path); got != c.want {
			t.Errorf("level %d: %.200q, want %.200q", c.level, got, c.want)
		}
		if got := logged(t, zerolog.InfoLevel, c.level, path); got != "" {
			t.Errorf("level %d says %q where nothing is debugged", c.level, got)
		}
	}
	if got := logged(t, zerolog.DebugLevel, 3, filepath.Join(path, "none")); got != "payload can't be traced" {
		t.Errorf("without a file: %q", got)
	}
}

// logged is the message that is logged; empty for none.
func logged(t *testing.T, level zerolog.Level, trace Trace, path string) string {
	t.Helper()
	var out bytes.Buffer
	trace.Log(zerolog.New(&out).Level(level), FromStdin, "abc", path)
	if out.Len() == 0 {
		return ""
	}
	var event struct{ Message string }
	if err := json.Unmarshal(out.Bytes(), &event); err != nil {
		t.Fatal(err)
	}
	return event.Message
}
