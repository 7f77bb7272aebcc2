package command

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// dialogue is one recorded exchange of lines: what the client sent, and the first
// line of the answer.
type dialogue struct{ name, sent, answer string }

// recorded are all exchanges of the recordings in testdata.
func recorded(t testing.TB) []dialogue {
	t.Helper()
	files, err := filepath.Glob("testdata/control-*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no recordings", err)
	}
	var all []dialogue
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var recording struct {
			Transcripts []struct {
				Name  string
				Steps []struct{ Dir, Text string }
			}
		}
		if err := json.Unmarshal(text, &recording); err != nil {
			t.Fatal(file, err)
		}
		for _, tr := range recording.Transcripts {
			for i, s := range tr.Steps[:max(len(tr.Steps)-1, 0)] {
				if answer := tr.Steps[i+1]; s.Dir == "c2s" && answer.Dir == "s2c" {
					all = append(all, dialogue{tr.Name, s.Text, answer.Text})
				}
			}
		}
	}
	return all
}

// atWork are the errors of a command that was understood.
var atWork = regexp.MustCompile(`^ERROR: (unknown work |unknown TLS |extra params|ttl option|time: invalid|cannot send secrets` +
	`|INTERNAL_ERROR|CRYPTO_ERROR|context canceled|pinned fingerprints|error cancelling|could not )`)

// The recordings print a bool as a string; ours prints its value.
var misprinted = strings.NewReplacer("%!s(bool=true)", "true")

func TestRecordedLinesAreUnderstoodAsRecorded(t *testing.T) {
	n := 0
	for _, d := range recorded(t) {
		line, more, whole := strings.Cut(strings.ReplaceAll(d.sent, "\r", ""), "\n")
		if line == "" || more != "" || !whole {
			continue // payload, or several lines
		}
		n++
		_, err := Parse([]byte(line))
		refused := strings.HasPrefix(d.answer, "ERROR: ") && !atWork.MatchString(d.answer)
		switch {
		case refused && err == nil:
			t.Errorf("%s: %q was understood, want %q", d.name, line, d.answer)
		case refused && string(Error(err.Error())) != misprinted.Replace(d.answer):
			t.Errorf("%s: %q gives %q, want %q", d.name, line, Error(err.Error()), d.answer)
		case !refused && err != nil:
			t.Errorf("%s: %q gives %q, want %q", d.name, line, err, d.answer)
		}
	}
	if n < 120 {
		t.Errorf("only %d recorded lines", n)
	}
}
