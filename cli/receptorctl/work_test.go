package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
)

func TestPayloadArrivesUnchanged(t *testing.T) {
	data := bytes.Repeat([]byte("\x00\xff\r\nERROR: not one\n"), 100_000)
	file := filepath.Join(t.TempDir(), "payload")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{file, "-"} {
		node := startFake(t, script{submitLine + `"cat"}`: {started("u")}})
		got := runCtl(t.Context(), bytes.NewReader(data), "--socket", node.path, "work", "submit", "cat", "-p", from)
		got.want(t, "Result: Job Started\nUnit ID: u\n", "", 0)
		if !bytes.Equal(node.payload.Bytes(), data) {
			t.Errorf("%s: %d bytes arrived of %d", from, node.payload.Len(), len(data))
		}
	}
}

func TestParams(t *testing.T) {
	read := func(name string) (string, error) { return "text of " + name, nil }
	got, err := parseParams([]string{"a=1=2", "b=", "c=@f", "d=@@f", "params=x"}, []string{"y", "z w"}, read)
	var flat []string
	for _, p := range got {
		flat = append(flat, p.Key+"="+p.Value)
	}
	if want := []string{"a=1=2", "b=", "c=text of f", "d=@f", "params=x y z w"}; err != nil || !slices.Equal(flat, want) {
		t.Errorf("got %q, %v", flat, err)
	}
	for _, wrong := range []string{"noequals", "=x"} {
		if _, err := parseParams([]string{wrong}, nil, read); explain(err).code != exitSubmit {
			t.Errorf("%q: got %v", wrong, err)
		}
	}
}

func TestSubmitJSON(t *testing.T) {
	line := `{"command": "work", "subcommand": "submit", "node": "bar", "worktype": "cat", "tlsclient": "t", "ttl": "1m", "signwork": "true", "k": "v"}`
	node := startFake(t, script{line: {started("u")}})
	node.ctl(t, "work", "submit", "--json", "cat", "-n", "--node", "bar", "--tls-client=t", "--ttl", "1m", "--signwork", "-a", "k=v").
		want(t, "{\n    \"result\": \"Job Started\",\n    \"unitid\": \"u\"\n}\n", "", 0)
}

func TestDrainAndResume(t *testing.T) {
	node := startFake(t, script{
		"work drain":  {says(`{"draining":true,"unfinished":2}`)},
		"work resume": {says(`{"draining":false,"unfinished":0}`)},
	})
	node.ctl(t, "work", "drain").want(t, "Draining: no new units are taken, 2 are not finished yet.\n", "", 0)
	node.ctl(t, "work", "resume").want(t, "Resumed: new units are taken, 0 are not finished yet.\n", "", 0)
	node.ctl(t, "work", "resume", "--json").want(t, "{\n    \"draining\": false,\n    \"unfinished\": 0\n}\n", "", 0)
}

// A unit whose payload is not complete must not start: it is released while the
// connection that would start it is still open.
func TestABrokenPayloadStartsNothing(t *testing.T) {
	node := startFake(t, script{submitLine + `"cat"}`: {started("u")}, "work release u": {says(`{"released":"u"}`)}})
	in := io.MultiReader(strings.NewReader("half"), iotest.ErrReader(errors.New("disk broken")))
	got := runCtl(t.Context(), in, "--socket", node.path, "work", "submit", "cat", "-p", "-")
	got.want(t, "", "ERROR: Payload was not sent: disk broken\nUnit u has been released; nothing has been started.\n", 101)
	if want := []string{submitLine + `"cat"}`, "work release u"}; !slices.Equal(node.lines(), want) {
		t.Errorf("the node heard %q", node.lines())
	}
}

func TestInterruptedUploadStartsNothing(t *testing.T) {
	node := startFake(t, script{submitLine + `"cat"}`: {started("u")}, "work release u": {says(`{"released":"u"}`)}})
	ctx, cancel := context.WithCancelCause(t.Context())
	in, typing := io.Pipe()
	defer func() { _ = typing.Close() }()
	go func() {
		_, _ = typing.Write([]byte("half")) // taken when the upload has begun
		cancel(interrupted{syscall.SIGINT})
	}()
	got := runCtl(ctx, in, "--socket", node.path, "work", "submit", "cat", "-p", "-")
	got.want(t, "", "\nUnit u has been released; nothing has been started.\n", 130)
}

func TestErrorAfterThePayloadNamesTheUnit(t *testing.T) {
	node := startFake(t, script{submitLine + `"cat"}`: {creates("u", "ERROR: could not parse response")}})
	node.ctl(t, "work", "submit", "cat", "-n").want(t, "",
		"ERROR: Remote error: ERROR: could not parse response\nUnit u is left behind: see work status, work release.\n", 101)
}

func TestABrokenStreamOfResultsIsResumed(t *testing.T) {
	running := isIn(1, "Running", 5)
	node := startFake(t, script{
		"work results u 0": {streams("u", "hello")},
		"work results u 5": {streams("u", ""), streams("u", " world")},
		"work status u":    {running, running, isIn(2, "exit status 0", 11)},
	})
	node.ctl(t, "work", "results", "u").want(t, "hello world", "", 0)
}

func TestResultsThatStayShortAreAnError(t *testing.T) {
	node := startFake(t, script{"work results u 2": {streams("u", "")}, "work status u": {isIn(2, "", 11)}})
	node.ctl(t, "work", "results", "u", "--startpos", "2").want(t, "",
		"ERROR: Results of unit u end at byte 2 of 11\n", 1)
}

func TestANodeThatGoesAwayIsAskedAgain(t *testing.T) {
	node := startFake(t, script{"work results u 0": {streams("u", "part")}, "work results u 4": {streams("u", "")}, "work status u": {{hangUp: true}}})
	node.ctl(t, "work", "results", "u").want(t, "part", "ERROR: the node closed the connection without an answer\n"+
		"For the rest of the results of unit u:\n  receptorctl --socket "+node.path+" work results u --startpos 4\n", 1)
	if n := len(node.lines()); n < resumeLimit {
		t.Errorf("gave up after %d lines", n)
	}
}

func TestACanceledUnitIsNoSuccess(t *testing.T) {
	node := startFake(t, script{"work results u 0": {streams("u", "part")}, "work status u": {isIn(4, "Canceled", 9)}})
	node.ctl(t, "work", "results", "u").want(t, "part", "ERROR: Remote unit was canceled: Canceled\n", 1)
}

func TestAUnitReleasedMeanwhileIsGone(t *testing.T) {
	node := startFake(t, script{"work results u 0": {streams("u", "part")}, "work status u": {says("ERROR: unknown work unit u")}})
	node.ctl(t, "work", "results", "u").want(t, "part", "ERROR: unknown work unit u\n", 1)
}

// cancelWriter ends the context when the first results arrive, like a Ctrl-C.
type cancelWriter struct {
	bytes.Buffer
	cancel context.CancelCauseFunc
}

func (w *cancelWriter) Write(p []byte) (int, error) {
	defer w.cancel(interrupted{syscall.SIGINT})
	return w.Buffer.Write(p)
}

func TestCtrlCDetachesAndSaysHowToComeBack(t *testing.T) {
	open := answer{text: "Streaming results for work unit u\nfirst"} // and no end
	node := startFake(t, script{submitLine + `"slow"}`: {started("u")}, "work results u 0": {open}, "work release u": {says(`{"released":"u"}`)}})
	for _, c := range []struct {
		options   []string
		out, errs string
	}{
		{nil, "first", "\nDetached from unit u, which goes on. For the rest of its results:\n" +
			"  receptorctl --socket " + node.path + " work results u --startpos 5\n"},
		{[]string{"--rm"}, "first(u, released)\n", "\n"},
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		out := &cancelWriter{cancel: cancel}
		var errs bytes.Buffer
		args := append([]string{"--socket", node.path, "work", "submit", "slow", "-n", "-f"}, c.options...)
		code := runWith(ctx, console{in: strings.NewReader(""), out: out, err: &errs}, args...)
		outcomeOf{out.String(), errs.String(), code}.want(t, c.out, c.errs, 130)
	}
}

func TestResultsAsJSON(t *testing.T) {
	node := startFake(t, script{"work results u 0": {streams("u", "h\xffi")}, "work status u": {isIn(3, "exit status 1", 3)}})
	got := node.ctl(t, "work", "results", "u", "--json")
	var doc struct {
		Base64   string
		Startpos int
		Status   unitStatus
		Unitid   string
	}
	if err := json.Unmarshal([]byte(got.out), &doc); err != nil {
		t.Fatalf("%v in %s", err, got.out)
	}
	if data, err := base64.StdEncoding.DecodeString(doc.Base64); err != nil || string(data) != "h\xffi" {
		t.Errorf("got %q, %v", data, err)
	}
	if doc.Unitid != "u" || doc.Status.State != stateFailed || got.code != 1 {
		t.Errorf("got %+v, exit %d", doc, got.code)
	}
}

func TestCancelAndReleaseAsJSON(t *testing.T) {
	node := startFake(t, script{"work cancel a": {says(`{"cancelled":"a"}`)}, "work cancel b": {says("ERROR: unknown work unit b")}})
	node.ctl(t, "work", "cancel", "--json", "a", "b").want(t, `[
    {
        "result": "cancelled",
        "unitid": "a"
    },
    {
        "error": "unknown work unit b",
        "unitid": "b"
    }
]
`, "ERROR: b: ERROR: unknown work unit b\n", 1)
}

func TestWorkStatus(t *testing.T) {
	node := startFake(t, script{"work status u": {says(`{"Detail":"Running","ExtraData":{"RemoteNode":"bar","RemoteUnitID":"v"},"State":1,"StateName":"Running","StdoutSize":7,"WorkType":"remote"}`)}})
	node.ctl(t, "work", "status", "u").want(t,
		"Unit ID: u\nWork Type: remote\nState: Running\nDetail: Running\nStdout Size: 7\nRemote Node: bar\nRemote Unit ID: v\n", "", 0)
}

func TestPingAndVersionAsJSON(t *testing.T) {
	node := startFake(t, script{"ping a": {says(`{"From":"a","Success":true,"TimeStr":"1ms"}`), says(`{"Error":"timeout","Success":false}`)}})
	node.ctl(t, "ping", "a", "--count", "2", "--delay=0", "--json").want(t,
		"[\n    {\n        \"From\": \"a\",\n        \"Success\": true,\n        \"TimeStr\": \"1ms\"\n    },\n"+
			"    {\n        \"Error\": \"timeout\",\n        \"Success\": false\n    }\n]\n", "", 2)
	node.ctl(t, "version", "--json").want(t, "{\n    \"receptor\": \"1.4.9\",\n    \"receptorctl\": \"1.4.9\"\n}\n", "", 0)
}

// The banner of the far control service comes in one piece with the reply; the end
// of our input is passed on, and what comes back afterwards is still shown.
func TestConnectBridgesBothWays(t *testing.T) {
	far := answer{text: "Connecting\nReceptor Control, node bar\n", upload: true, after: "heard all\n"}
	node := startFake(t, script{"connect bar control ": {far}})
	got := runCtl(t.Context(), strings.NewReader("ping foo\n"), "--socket", node.path, "connect", "bar", "control", "--raw")
	got.want(t, "Receptor Control, node bar\nheard all\n", "", 0)
	if node.payload.String() != "ping foo\n" {
		t.Errorf("the far end got %q", node.payload.String())
	}
}

func TestWordsThatWouldBeReadAsSeveralAreRefused(t *testing.T) {
	node := startFake(t, nil)
	for _, args := range [][]string{{"ping", "a\nwork release x"}, {"work", "results", "a b"}, {"connect", "a", ""}} {
		if got := node.ctl(t, args...); got.code != 1 || !strings.Contains(got.err, "blank or a line break") {
			t.Errorf("%q: got %+v", args, got)
		}
	}
	if len(node.lines()) > 0 {
		t.Errorf("the node heard %q", node.lines())
	}
}

func TestUnknownWorkTypeIsExplained(t *testing.T) {
	node := startFake(t, script{
		submitLine + `"shh"}`: {says("ERROR: unknown work type shh")},
		"status": {says(`{"NodeID":"foo","Version":"1.4.9","Advertisements":[{"NodeID":"foo","Service":"control","WorkCommands":[` +
			`{"WorkType":"cat"},{"WorkType":"sh"}]},{"NodeID":"bar","Service":"control","WorkCommands":[{"WorkType":"other"}]}]}`)},
	})
	node.ctl(t, "work", "submit", "shh", "-n").want(t, "",
		"ERROR: Failed to start work unit: unknown work type shh\nDid you mean sh? There are: cat, sh.\n", 101)
}
