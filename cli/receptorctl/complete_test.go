package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// values are the candidates without what they are.
func values(out string) []string {
	var list []string
	for line := range strings.Lines(out) {
		value, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		list = append(list, value)
	}
	return list
}

func completes(t *testing.T, shell string, words ...string) []string {
	t.Helper()
	got := runCtl(t.Context(), strings.NewReader(""), append([]string{"__complete", shell, "--"}, words...)...)
	if got.err != "" || got.code != 0 {
		t.Errorf("%q: exit %d, %q", words, got.code, got.err)
	}
	return values(got.out)
}

func TestCompletesFromTheTable(t *testing.T) {
	for _, c := range []struct {
		words string
		want  string
	}{
		{"stat|", "status"},
		{"work re|", "results release resume"},
		{"completion |", "bash zsh fish"},
		{"ping --c|", "--count"},
		{"ping --count 3 --c|", ""},
		{"work submit --param a=b --par|", "--param"},
		{"work submit -nf --f|", ""},
		{"work list --state R|", "Running"},
		{"work list --state=Ru|", "--state=Running"},
		{"work submit cat --payload |", filesWanted},
		{"work submit cat --payload=x|", filesWanted},
		{"--socket |", filesWanted},
		{"--socket s wo|", "work"},
		{"-c |", filesWanted},
		{"work submit cat -- --no|", ""},
		{"nosuch |", "status ping traceroute tree connect work reload version completion"},
		{"status extra |", ""},
		{"__comp|", ""},
	} {
		words := strings.Split(strings.TrimSuffix(c.words, "|"), " ")
		got := completes(t, "zsh", words...)
		if want := strings.Fields(c.want); !containsAll(got, want) || len(want) == 0 && len(got) > 0 {
			t.Errorf("%s: got %q, want %q", c.words, got, want)
		}
	}
}

func containsAll(list, wanted []string) bool {
	for _, w := range wanted {
		if !slices.Contains(list, w) {
			return false
		}
	}
	return true
}

func TestBashGetsWhatFollowsTheBreak(t *testing.T) {
	for _, c := range []struct{ words, want []string }{
		{[]string{"work", "list", "--state", "=", "R"}, []string{"Running"}},
		{[]string{"work", "list", "--state", "="}, []string{"Pending", "Running", "Succeeded", "Failed", "Canceled"}},
		{[]string{"--socket", "tcp", ":", "//h", ":", "1", "sta"}, []string{"status"}},
	} {
		if got := completes(t, "bash", c.words...); !slices.Equal(got, c.want) {
			t.Errorf("%q: got %q, want %q", c.words, got, c.want)
		}
	}
}

const completionStatus = `{"NodeID":"foo","Version":"other","KnownConnectionCosts":{"foo":{"bar":1},"bar":{"foo":1,"baz":1},"baz":{"bar":1}},` +
	`"RoutingTable":{"bar":"bar","baz":"bar"},"Advertisements":[` +
	`{"NodeID":"foo","Service":"control","ConnType":1,"WorkCommands":[{"WorkType":"cat","Secure":false}]},` +
	`{"NodeID":"baz","Service":"db","ConnType":2,"WorkCommands":[{"WorkType":"sort","Secure":true}]}]}`

func TestCompletesWhatTheNodeKnows(t *testing.T) {
	list := `{"u1":{"State":1,"StateName":"Running","WorkType":"cat"},"u2":{"State":2,"StateName":"Succeeded","WorkType":"cat"}}`
	node := startFake(t, script{
		"status": {says(completionStatus)}, "work list": {says(list)},
		"connect baz control ": {says("Connecting", "Receptor Control, node baz")},
	})
	for _, c := range []struct{ words, want string }{
		{"ping |", "bar baz foo"},
		{"ping ba|", "bar baz"},
		{"connect baz |", "db"},
		{"connect localhost |", "control"},
		{"work submit |", "cat"},
		{"work submit --node baz s|", "sort"},
		{"work submit cat --node=b|", "--node=bar --node=baz"},
		{"work results |", "u1 u2"},
		{"work cancel u1 |", "u2"},
		{"doctor unit |", "u1 u2"},
		{"work status --node baz u|", "u1 u2"},
	} {
		words := strings.Split("--socket "+node.path+" "+strings.TrimSuffix(c.words, "|"), " ")
		if got := completes(t, "fish", words...); !slices.Equal(got, strings.Fields(c.want)) {
			t.Errorf("%s: got %q, want %q", c.words, got, c.want)
		}
	}
	got := runCtl(t.Context(), strings.NewReader(""), "__complete", "zsh", "--", "--socket", node.path, "ping", "ba")
	got.want(t, "bar\tneighbour\nbaz\tvia bar\n", "", 0)
}

// A node that says nothing holds nobody up for long.
func TestCompletionIsQuietWithoutANode(t *testing.T) {
	silent := startFake(t, script{"status": {{text: "", hold: make(chan struct{})}}})
	t.Cleanup(func() { close(silent.script["status"][0].hold) })
	for _, socket := range []string{"/nonexistent/socket", "bad:addr:x", silent.path} {
		began := time.Now()
		if got := completes(t, "bash", "--socket", socket, "ping", ""); len(got) > 0 {
			t.Errorf("%s: got %q", socket, got)
		}
		if took := time.Since(began); took > patience {
			t.Errorf("%s: took %v", socket, took)
		}
	}
}

// Each script runs in its shell, if that is here, with the program in its path.
func TestCompletionScriptsInTheirShells(t *testing.T) {
	node := startFake(t, script{"status": {says(completionStatus)}})
	dir := t.TempDir()
	wrapper := "#!/bin/sh\nexec env " + asProgram + "=1 '" + os.Args[0] + "' \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "receptorctl"), []byte(wrapper), 0o700); err != nil {
		t.Fatal(err)
	}
	for shell, c := range map[string]struct{ program, want string }{
		"bash": {`source <(receptorctl completion bash)
			COMP_WORDS=(receptorctl ping ba) COMP_CWORD=2
			_receptorctl receptorctl ba ping
			echo "${COMPREPLY[@]}"`, "bar baz\n"},
		"fish": {`receptorctl completion fish | source
			complete --do-complete 'receptorctl ping ba'`, "bar\tneighbour\nbaz\tvia bar\n"},
		"zsh": {`compdef() { :; }
			source <(receptorctl completion zsh)
			_describe() { print -l "${(@P)4:-${(@P)3}}" }
			words=(receptorctl ping ba) CURRENT=3
			_receptorctl`, "bar:neighbour\nbaz:via bar\n"},
	} {
		t.Run(shell, func(t *testing.T) {
			if _, err := exec.LookPath(shell); err != nil {
				t.Skipf("no %s on this machine", shell)
			}
			cmd := exec.CommandContext(t.Context(), shell, "-c", c.program)
			cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "RECEPTORCTL_SOCKET="+node.path, "HOME="+dir)
			var out, errs bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &errs
			if err := cmd.Run(); err != nil || out.String() != c.want || errs.Len() > 0 {
				t.Errorf("%v, got %q, %q; want %q", err, out.String(), errs.String(), c.want)
			}
		})
	}
}

func TestUnknownShellIsExplained(t *testing.T) {
	got := runCtl(t.Context(), strings.NewReader(""), "completion", "csh")
	got.want(t, "", "ERROR: No completion for shell 'csh': there are bash, zsh, fish.\nSee receptorctl completion --help.\n", 1)
}
