package main

import (
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// wanting are the arguments of those commands that have to have some.
var wanting = map[string]string{
	" ping": "x", " traceroute": "x", " work submit": "cat --no-payload", " work status": "u", " work results": "u",
	" work logs": "u", " work cancel": "u", " work release": "u",
	" act restart": "node/links", " act link-down": "x", " act log-level": "node debug", " act trace": "node/router",
}

// documents are all that stand in a text, one after the other.
func documents(t *testing.T, text string) []any {
	t.Helper()
	var all []any
	for dec := json.NewDecoder(strings.NewReader(text)); ; {
		var one any
		err := dec.Decode(&one)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%v in %q", err, text)
		}
		all = append(all, one)
	}
}

// With --json a failure is JSON, too, whatever the command. People are told as always.
func TestEveryFailureIsJSON(t *testing.T) {
	nowhere := filepath.Join(t.TempDir(), "none.sock")
	app := (&tool{}).app()
	eachCommand("", app.Commands, func(name string, c *cli.Command) {
		if find(c.Flags, "json") == nil {
			return
		}
		words := append([]string{"--socket", nowhere}, strings.Fields(name)...)
		args := slices.Concat(words, strings.Fields(wanting[name]), []string{"--json"})
		got := runCtl(t.Context(), strings.NewReader(""), args...)
		said := documents(t, got.out)
		if name == " doctor" { // failures are what it looks for
			if len(said) != 1 || !strings.Contains(got.out, `"Socket path does not exist: `+nowhere) || got.code != 1 {
				t.Errorf("%v: %+v", args, got)
			}
			return
		}
		want := `{"error": "Socket path does not exist: ` + nowhere + `", "note": "Is the node running`
		if name == " work results" { // is one object, the failure a part of it
			want = "{\n    \"base64\": \"\",\n    \"error\": \"Socket path does not exist: " + nowhere
		}
		if got.code == 0 || len(said) != 1 ||
			!strings.HasPrefix(got.out, want) || !strings.HasPrefix(got.err, "ERROR: Socket path does not exist: "+nowhere) {
			t.Errorf("%v: %+v", args, got)
		}
		if strings.Contains(runCtl(t.Context(), strings.NewReader(""), slices.Concat(words, strings.Fields(wanting[name]))...).out, "error") {
			t.Errorf("%s: JSON that nobody has asked for", name)
		}

		got = runCtl(t.Context(), strings.NewReader(""), slices.Concat(words, []string{"--json", "--nosuch"})...)
		if want := `{"error": "No such option: --nosuch", "note": "See receptorctl` + name + ` --help."}` + "\n"; got.out != want || got.code != 1 {
			t.Errorf("%s --nosuch: %+v", name, got)
		}
	})
}

// What an answer says already is not said twice.
func TestAFailureIsInTheAnswerOrAfterIt(t *testing.T) {
	failed := `{"State":3,"StateName":"Failed","Detail":"exit status 1","StdoutSize":0}`
	node := startFake(t, script{
		"work cancel a": {says(`{"cancelled":"a"}`)}, "work cancel b": {says("ERROR: unknown work unit b")},
		"work cancel c": {{hangUp: true}},
		"work status u": {says(failed)}, "work status v": {says("ERROR: unknown work unit v")}, `{"command":"work","subcommand":"stderr"}`: {says("ERROR: bad command")},
		"reload": {says(`{"Success":false,"Error":"a parameter, ERRORCODE 3"}`)},
	})
	for _, c := range []struct {
		args  string
		count int
		has   string
	}{
		{"work cancel a b --json", 1, `"error": "unknown work unit b"`},
		{"work cancel a c --json", 1, `"unitid": "c"`},
		{"work status v --json", 1, `{"error": "unknown work unit v"}`},
		{"work logs v --json", 1, `{"error": "unknown work unit v"}`},
		{"reload --json", 1, `"Error": "a parameter, ERRORCODE 3"`},
		{"--insecureskipverify=maybe status --json", 1, `{"error": "'maybe' is not a valid boolean.", "note": "`},
	} {
		got := node.ctl(t, strings.Fields(c.args)...)
		if n := len(documents(t, got.out)); n != c.count || !strings.Contains(got.out, c.has) || got.code == 0 || !strings.Contains(got.err, "ERROR: ") {
			t.Errorf("%s: %+v", c.args, got)
		}
	}
	if asksForJSON([]string{"work", "submit", "cat", "--", "--json"}) {
		t.Error("a parameter of the unit is taken for an option")
	}
}
