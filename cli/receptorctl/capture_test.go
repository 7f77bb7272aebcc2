package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/shlex"
)

// capture is one command of the Python client, as recorded.
type capture struct {
	command  string
	out, err string
	code     int
}

// readCaptures reads testdata/control-receptorctl-cli.txt; its head explains it.
func readCaptures(t *testing.T) []capture {
	t.Helper()
	data, err := os.ReadFile("testdata/control-receptorctl-cli.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all []capture
	for line := range strings.Lines(string(data)) {
		last := max(len(all)-1, 0)
		switch {
		case strings.HasPrefix(line, "$ "):
			all = append(all, capture{command: strings.TrimSpace(line[2:])})
		case strings.HasPrefix(line, "1| "):
			all[last].out += line[3:]
		case strings.HasPrefix(line, "2| "):
			all[last].err += line[3:]
		case strings.HasPrefix(line, "exit "):
			if _, err := fmt.Sscanf(line, "exit %d", &all[last].code); err != nil {
				t.Fatal(err)
			}
		}
	}
	return all
}

// nth finds the capture of a command line; a command may have been recorded more
// than once.
func nth(t *testing.T, command string, n int) capture {
	t.Helper()
	for _, c := range readCaptures(t) {
		if c.command != "receptorctl "+command {
			continue
		}
		if n--; n < 0 {
			return c
		}
	}
	t.Fatalf("no capture of %q", command)
	return capture{}
}

func oneLine(t *testing.T, pretty string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(pretty)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

const submitLine = `{"command": "work", "subcommand": "submit", "node": "localhost", "worktype": `

func started(unit string) answer {
	return creates(unit, `{"result":"Job Started","unitid":"`+unit+`"}`)
}

func isIn(state int, detail string, size int) answer {
	return says(fmt.Sprintf(`{"Detail":%q,"ExtraData":null,"State":%d,"StateName":"","StdoutSize":%d,"WorkType":"x"}`, detail, state, size))
}

// hinted is what was recorded, and below an error what to do about it.
func (o outcomeOf) hinted(t *testing.T, out, errs string, code int) {
	t.Helper()
	hint, found := strings.CutPrefix(o.err, errs)
	if !found || hint != "" && (errs == "" || strings.Contains(hint, "ERROR") || !strings.HasSuffix(hint, ".\n")) {
		o.want(t, out, errs, code)
		return
	}
	o.err = errs
	o.want(t, out, errs, code)
}

// Every case is a recorded command; the script holds what the node said to it. What
// we print must be what was recorded.
func TestCapturedDialogues(t *testing.T) {
	const failDetail = "Error starting worker: could not parse response: ERROR: unknown work type nosuch"
	unknown := func(unit string) []answer { return []answer{says("ERROR: unknown work unit " + unit)} }
	cases := []struct {
		command string
		nth     int
		script  script
	}{
		{"nosuch", 1, nil},
		{"work nosuch", 0, nil},
		{"ping", 0, nil},
		{"ping bar --count x", 0, nil},
		{"ping bar --nosuch", 0, nil},
		{"work submit", 0, nil},
		{"work results", 0, nil},
		{"version", 0, nil},
		{"ping baz --count 2 --delay 0.1", 0, script{"ping baz": {
			says(`{"From":"baz","Success":true,"Time":632048,"TimeStr":"632.048µs"}`),
			says(`{"From":"baz","Success":true,"Time":874833,"TimeStr":"874.833µs"}`)}}},
		{"ping nosuch --count 2 --delay 0", 0, script{"ping nosuch": {says(`{"Error":"no route to node","Success":false}`)}}},
		{"ping bar --count 0", 0, nil},
		{"traceroute baz", 0, script{"traceroute baz": {
			says(`{"0":{"From":"foo","Time":1,"TimeStr":"186.954µs"},"1":{"From":"bar","Time":1,"TimeStr":"3.288222ms"},"2":{"From":"baz","Time":1,"TimeStr":"787.231µs"}}`)}}},
		{"traceroute nosuch", 0, script{"traceroute nosuch": {
			says(`{"0":{"From":"foo","Time":1,"TimeStr":"272.116µs"},"1":{"Error":"no route to node","From":"foo","Time":1,"TimeStr":"3.918µs"}}`)}}},
		{"connect nosuch control", 0, script{"connect nosuch control ": {says("ERROR: INTERNAL_ERROR (local): no route to node")}}},
		{"connect bar control --tls-client nope", 0, script{"connect bar control nope": {says("ERROR: unknown TLS config nope")}}},
		{"work list", 0, script{"work list": {says("{}")}}},
		{"work list -q", 0, script{"work list": {says("{}")}}},
		{"work submit cat", 0, nil},
		{"work submit cat -n -l x", 0, nil},
		{"work submit cat -l ''", 0, nil},
		{"work submit cat -p nofile", 0, nil},
		{"work submit cat -n", 0, script{submitLine + `"cat"}`: {started("pfUFAqUT")}}},
		{`work submit cat -l hello\ world -f`, 0, script{submitLine + `"cat"}`: {started("u")},
			"work results u 0": {streams("u", "hello world\n")}, "work status u": {isIn(2, "exit status 0", 12)}}},
		{"work submit cat -l x --rm", 0, script{submitLine + `"cat"}`: {started("POQ9CwES")},
			"work release POQ9CwES": {says(`{"released":"POQ9CwES"}`)}}},
		{"work submit cat -l x --rm -f", 0, script{submitLine + `"cat"}`: {started("iJOyFTYF")},
			"work results iJOyFTYF 0": {streams("iJOyFTYF", "x\n")}, "work status iJOyFTYF": {isIn(2, "", 2)},
			"work release iJOyFTYF": {says(`{"released":"iJOyFTYF"}`)}}},
		{`work submit echo -n -f a b c\ d`, 0, script{submitLine + `"echo", "params": "a b c d"}`: {started("u")},
			"work results u 0": {streams("u", "hello from a b c d\n")}, "work status u": {isIn(2, "", 19)}}},
		{`work submit echo -n -f -a params=p1\ p2 x y`, 0, script{submitLine + `"echo", "params": "p1 p2 x y"}`: {started("u")},
			"work results u 0": {streams("u", "hello from p1 p2 x y\n")}, "work status u": {isIn(2, "", 21)}}},
		{"work submit echo -n -f -- --flag", 0, script{submitLine + `"echo", "params": "--flag"}`: {started("u")},
			"work results u 0": {streams("u", "hello from --flag\n")}, "work status u": {isIn(2, "", 18)}}},
		{"work submit echo -n -f --flag", 0, nil},
		{"work submit fail -n -f", 0, script{submitLine + `"fail"}`: {started("u")},
			"work results u 0": {streams("u", "oops\n")}, "work status u": {isIn(3, "exit status 3", 5)}}},
		{"work submit fail -n -f --rm", 0, script{submitLine + `"fail"}`: {started("zKI89MTu")},
			"work results zKI89MTu 0": {streams("zKI89MTu", "oops\n")}, "work status zKI89MTu": {isIn(3, "exit status 3", 5)},
			"work release zKI89MTu": {says(`{"released":"zKI89MTu"}`)}}},
		{"work submit nosuch -n", 0, script{submitLine + `"nosuch"}`: {says("ERROR: unknown work type nosuch")}}},
		{"work submit cat -n -a node=bar", 0, nil},
		{"work submit cat -n -a x=@nofile", 0, nil},
		{"work submit cat -n --ttl 5s", 0, script{submitLine + `"cat", "ttl": "5s"}`: {says("ERROR: ttl option is intended for remote work only")}}},
		{"work submit cat --node nosuch -n --ttl 2s", 0, script{
			`{"command": "work", "subcommand": "submit", "node": "nosuch", "worktype": "cat", "ttl": "2s"}`: {
				creates("dMZKQEWl", `{"result":"Job Submitted","unitid":"dMZKQEWl"}`)}}},
		{"work submit cat --node '' -n", 0, script{submitLine + `"cat"}`: {started("ybbrFCnz")}}},
		{"work list --node bar -q", 0, script{"connect bar control ": {says("Connecting", "Receptor Control, node bar")},
			"work list": {says(`{"zhmGjoq8":{"Detail":"","ExtraData":null,"State":2,"StateName":"Succeeded","StdoutSize":3,"WorkType":"cat"}}`)}}},
		{"work list --node nosuch", 0, script{"connect nosuch control ": {says("ERROR: INTERNAL_ERROR (local): no route to node")}}},
		{"work list --unit_id nope", 0, script{"work list nope": unknown("nope")}},
		{"work results 0lxToSe1", 0, script{"work results 0lxToSe1 0": {streams("0lxToSe1", "")}, "work status 0lxToSe1": {isIn(3, failDetail, 0)}}},
		{"work results nope", 0, script{"work results nope 0": unknown("nope")}},
		{"work cancel", 0, nil},
		{"work release", 0, nil},
		{"work cancel nope", 0, script{"work cancel nope": unknown("nope")}},
		{"work cancel 0lxToSe1 nope 0lxToSe1", 0, script{"work cancel 0lxToSe1": {says(`{"cancelled":"0lxToSe1"}`)}, "work cancel nope": unknown("nope")}},
		{"work release 0lxToSe1", 1, script{"work release 0lxToSe1": unknown("0lxToSe1")}},
		{"work release --force nope", 0, script{"work force-release nope": unknown("nope")}},
		{"work release --all", 1, script{"work list": {says("{}")}}},
		{"work cancel 8SH2LmgE", 0, script{"work cancel 8SH2LmgE": {says(`{"cancel pending":"8SH2LmgE"}`)}}},
		{"work release 8SH2LmgE", 0, script{"work release 8SH2LmgE": {says(`{"release pending":"8SH2LmgE"}`)}}},
		{"reload", 0, script{"reload": {says(`{"Success":true}`)}}},
		{"reload", 1, script{"reload": {says(`{"Error":"a non-reloadable config action 'work-command' was modified or added. Must restart receptor for these changes to take effect ERRORCODE 3","Success":false}`)}}},
		{"reload", 2, script{"reload": {says(`{"Error":"error loading config file: could not get config type for command nosuch: unknown config type nosuch ERRORCODE 4","Success":false}`)}}},
	}
	for _, c := range cases {
		t.Run(fmt.Sprintf("%s#%d", c.command, c.nth), func(t *testing.T) {
			want := nth(t, c.command, c.nth)
			words, err := shlex.Split(c.command)
			if err != nil {
				t.Fatal(err)
			}
			startFake(t, c.script).ctl(t, words...).hinted(t, want.out, want.err, want.code)
		})
	}
}

// The order and the shape of what the node sent are those of the JSON capture.
func TestStatusTextIsTheCaptured(t *testing.T) {
	reply := oneLine(t, nth(t, "status --json", 0).out)
	node := startFake(t, script{"status": {says(reply)}})
	want := nth(t, "status", 1)
	node.ctl(t, "status").want(t, want.out, "", 0)
	want = nth(t, "status --json", 0)
	node.ctl(t, "status", "--json").want(t, want.out, "", 0)
}

func TestWorkListIsTheCaptured(t *testing.T) {
	want := nth(t, "work list", 1)
	node := startFake(t, script{"work list": {says(oneLine(t, want.out))}})
	node.ctl(t, "work", "list").want(t, want.out, "", 0)
	node.ctl(t, "work", "list", "--json").want(t, want.out, "", 0)
}

func TestReleaseAllTakesTheOrderOfTheList(t *testing.T) {
	lines := script{"work list": {says(oneLine(t, nth(t, "work list", 1).out))}}
	want := nth(t, "work release --all", 0)
	for line := range strings.Lines(want.out) {
		if id, _, found := strings.Cut(strings.TrimPrefix(line, "("), ", "); found {
			lines["work release "+id] = []answer{says(`{"released":"` + id + `"}`)}
		}
	}
	lines["work release 0lxToSe1"] = []answer{says(`{"released":"0lxToSe1"}`)} // was released in between
	got := startFake(t, lines).ctl(t, "work", "release", "--all")
	got.out = strings.Replace(got.out, "(0lxToSe1, released)\n", "", 1)
	got.want(t, want.out, "", 0)
}

func TestDifferentVersionsAreWarnedAboutOnce(t *testing.T) {
	node := startFake(t, script{"work list": {says("{}")}, "work results u 0": {streams("u", "x")}, "work status u": {isIn(2, "", 1)},
		"status": {says(`{"NodeID":"a","Version":"1.4.8","SystemCPUCount":1,"SystemMemoryMiB":1}`)}})
	node.version = "1.4.8"
	const warning = "Warning: receptorctl and receptor are different versions, they may not be compatible\n"
	node.ctl(t, "work", "list").want(t, "{}\n", warning, 0)
	node.ctl(t, "version").want(t, "receptorctl  1.4.9\nreceptor     1.4.8\n", warning, 0)
	node.ctl(t, "work", "results", "u").want(t, "x", warning, 0)
	if got := node.ctl(t, "status"); got.err != warning {
		t.Errorf("status: %q", got.err)
	}
}

// The texts of the recorded connection errors come first; a hint may follow.
func TestConnectionErrors(t *testing.T) {
	commands := []string{
		"--socket nofile.sock version", "--socket tcp://127.0.0.1:1 version", "--socket tcp://127.0.0.1 version",
		"--socket bad:addr:x version", "--socket baz.yml version", "-c nofile --tls-client cli version",
		"--socket tls://localhost:27102 -c foo.yml version",
		"--socket tls://localhost:27102 -c foo.yml --tls-client cli --key foo.key version",
	}
	var wants []capture
	for _, c := range commands {
		wants = append(wants, nth(t, c, 0))
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile("baz.yml", []byte("- local-only\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for i, command := range commands {
		want := wants[i]
		got := runCtl(t.Context(), strings.NewReader(""), strings.Fields(command)...)
		if !strings.HasPrefix(got.err, want.err) || got.out != "" || got.code != want.code {
			t.Errorf("%s: got %+v, want %+v", command, got, want)
		}
	}
}
