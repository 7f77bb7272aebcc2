package main

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// What the Python client printed for the same reply.
func TestStatusTextOfUnusualValues(t *testing.T) {
	const reply = `{"NodeID":"foo","Version":"1.4.9","SystemCPUCount":2,"SystemMemoryMiB":3,
		"Extra":{"é😀":1.5,"a":[]},"Zed":null,
		"Connections":[{"NodeID":"x","Cost":1.0},{"NodeID":"longer-than-12-chars","Cost":2.5}],
		"Advertisements":[
			{"NodeID":"a","Service":"b","Time":"2026-11-22T08:39:58.176345842+02:00","ConnType":0,"Tags":null,"WorkCommands":null},
			{"NodeID":"a","Service":"c","Time":"2026-11-22T08:39:58Z","ConnType":2,"Tags":{"it's":"q\"x'é\n","n":"\u007f"},"WorkCommands":null},
			{"NodeID":"a","Service":"c","Time":"2026-11-22T08:39:58Z","ConnType":2,"Tags":{},"WorkCommands":null}]}`
	const want = `Node ID: foo
Version: 1.4.9
System CPU Count: 2
System Memory MiB: 3

Connection           Cost
x                    1.0
longer-than-12-chars 2.5

Node                 Service   Type       Last Seen             Tags
a                    b         Datagram   2026-11-22 08:39:58   -$$$$$$$$$$$$$$$
a                    c         StreamTLS  2026-11-22 08:39:58   {"it's": 'q"x\'é\n', 'n': '\x7f'}
a                    c         StreamTLS  2026-11-22 08:39:58   {}$$$$$$$$$$$$$$
Additional data returned from Receptor:
{
    "Extra": {
        "a": [],
        "\u00e9\ud83d\ude00": 1.5
    },
    "Zed": null
}
`
	got, err := statusText(json.RawMessage(reply))
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.ReplaceAll(want, "$", " "); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func FuzzStatusText(f *testing.F) {
	f.Add([]byte(`{"NodeID":"a","KnownConnectionCosts":{"b":{"c":1}},"Advertisements":[{"Tags":{"a":[1,null,true]}}]}`))
	f.Fuzz(func(t *testing.T, reply []byte) {
		if !json.Valid(reply) {
			return // the client has refused it
		}
		_, _ = statusText(reply) // must not panic
		pretty, err := indent(reply)
		if err == nil && !json.Valid([]byte(pretty)) {
			t.Errorf("%q became %q", reply, pretty)
		}
		_, _ = pythonText(reply)
	})
}

const treeReply = `{"actor":{"path":"node","kind":"node","state":"STATE_RUNNING","uptime":"63s","children":[
	{"path":"node/router","kind":"router","state":"STATE_RUNNING","uptime":"63s","mailboxDepth":3},
	{"path":"node/links","kind":"supervisor","state":"STATE_RUNNING","uptime":"63s",
	 "children":[{"path":"node/links/tcp-peer:10.0.0.1:2222","kind":"dialer","state":"STATE_RUNNING","uptime":"63s","children":[
		{"path":"node/links/tcp-peer:10.0.0.1:2222/link","kind":"link","state":"STATE_RESTARTING","restarts":"4","attempt":2,
		 "lastFailure":"dial:\nconnection refused","lastFailureTime":"2026-11-22T08:00:57Z","nextTry":"2026-11-22T08:01:01.500Z"}]}],
	 "lost":[{"path":"node/links/10.0.0.9:4242","kind":"link","failure":"EOF","time":"2026-11-22T07:00:00Z"}]}]}}`

const treeWant = `NAME                            KIND        STATE       UPTIME  DETAILS
node                            node        running     1m3s
├── router                      router      running     1m3s    mailbox 3
└── links                       supervisor  running     1m3s
    ├── tcp-peer:10.0.0.1:2222  dialer      running     1m3s
    │   └── link                link        restarting  -       restarts 4, attempt 2, failed 3s ago (2026-11-22 08:00:57): dial: connection refused, next try in 1.5s
    └── 10.0.0.9:4242           link        lost        -       failed 1h1m ago (2026-11-22 07:00:00): EOF
`

func TestTreeShowsStateFailuresAndWhatIsLost(t *testing.T) {
	local := time.Local
	time.Local = time.UTC
	defer func() { time.Local = local }()
	tree, err := readTree(json.RawMessage(treeReply))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 22, 8, 1, 0, 0, time.UTC)
	if got := treeText(tree.GetActor(), now); got != treeWant {
		t.Errorf("got\n%s\nwant\n%s", got, treeWant)
	}
}

func TestTreeCommand(t *testing.T) {
	node := startFake(t, script{"tree": {says(oneLine(t, treeReply)), says(oneLine(t, treeReply)), says("ERROR: Unknown command")}})
	if got := node.ctl(t, "tree"); !strings.HasPrefix(got.out, "NAME ") || got.code != 0 {
		t.Errorf("got %+v", got)
	}
	if got := node.ctl(t, "tree", "--json"); !json.Valid([]byte(got.out)) || got.code != 0 {
		t.Errorf("got %+v", got)
	}
	if got := node.ctl(t, "tree"); !strings.Contains(got.err, "does not show what is inside") || got.code != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestAge(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0s": -time.Second, "1.2s": 1234 * time.Millisecond, "45s": 45*time.Second + 300*time.Millisecond,
		"3m5s": 185 * time.Second, "2h10m": 130 * time.Minute, "2h0m": 2 * time.Hour, "3d4h": 76 * time.Hour,
	} {
		if got := age(d); got != want {
			t.Errorf("%v: got %s, want %s", d, got, want)
		}
	}
}

func TestEscape(t *testing.T) {
	for _, c := range []struct {
		typed, sent string
		left        bool
	}{
		{"abc", "abc", false},
		{"abc\x1ddef", "abc", true},
		{"~.", "", true},
		{"a~.b", "a~.b", false},
		{"a\r~.b", "a\r", true},
		{"~~.", "~.", false},
		{"~a", "~a", false},
		{"~", "~", false},
		{"\x03\x04", "\x03\x04", false},
	} {
		for _, src := range []io.Reader{strings.NewReader(c.typed), iotest.OneByteReader(strings.NewReader(c.typed))} {
			sent, err := io.ReadAll(&escapeReader{src: src})
			if string(sent) != c.sent || errors.Is(err, errEscape) != c.left {
				t.Errorf("%q: got %q, %v", c.typed, sent, err)
			}
		}
	}
}
