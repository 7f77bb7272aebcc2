package blackbox

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"

	"receptor/test/blackbox/harness"
)

// exchanges are commands in both syntaxes, and what the one line of the answer looks
// like. UNIT is a unit that has succeeded.
var exchanges = []struct{ line, json, want string }{
	{"status", `{"command":"status"}`, `^\{"Advertisements":\[.*"NodeID":"foo".*"Version":"[^"]*"\}$`},
	{"STATUS ", `{"command":"status","requested_fields":["NodeID","none"]}`, `"NodeID":"foo"`},
	{"status x", `{"command":"status","requested_fields":[1]}`, `^ERROR: (status command does not take parameters|each element of requested_fields must be a string)$`},
	{"ping foo", `{"command":"ping","target":"localhost"}`, `^\{"From":"foo","Success":true,"Time":\d+,"TimeStr":"[^"]+"\}$`},
	{"ping nobody", `{"command":"ping","target":"nobody"}`, `^\{"Error":"no route to node","Success":false\}$`},
	{"ping", `{"command":"ping"}`, `^ERROR: no ping target$`},
	{"traceroute foo", `{"command":"traceroute","target":"foo"}`, `^\{"0":\{"From":"foo","Time":\d+,"TimeStr":"[^"]+"\}\}$`},
	{"traceroute", `{"command":"traceroute","target":""}`, `^ERROR: no traceroute target$`},
	{"connect foo", `{"command":"connect","node":"foo"}`, `^ERROR: no connect target( service)?$`},
	{"connect foo nothing", `{"command":"connect","node":"foo","service":"nothing"}`, `^ERROR: `},
	{"connect foo x none", `{"command":"connect","node":"foo","service":"x","tls":"none"}`, `^ERROR: unknown TLS config none$`},
	{"reload", `{"command":"reload"}`, `^\{"Error":"no configuration file was provided, reload function not set ERRORCODE 4","Success":false\}$`},
	{"work list", `{"command":"work","subcommand":"list"}`, `^\{.*"UNIT":\{"Detail":"exit status 0","ExtraData":.*"State":2,"StateName":"Succeeded","StdoutSize":3,"WorkType":"cat"\}`},
	{"work list UNIT", `{"command":"work","subcommand":"list","unitid":"UNIT"}`, `^\{"UNIT":\{[^}]*"State":2`},
	{"work status UNIT", `{"command":"work","subcommand":"STATUS","unitid":"UNIT"}`, `"StateName":"Succeeded"`},
	{"work status", `{"command":"work","subcommand":"status"}`, `^ERROR: (work status requires a unit ID|field unitid missing)$`},
	{"work status none", `{"command":"work","subcommand":"status","unitid":"none"}`, `^ERROR: unknown work unit none$`},
	{"work cancel none", `{"command":"work","subcommand":"cancel","unitid":"none"}`, `^ERROR: unknown work unit none$`},
	{"work release none", `{"command":"work","subcommand":"release","unitid":"none"}`, `^ERROR: unknown work unit none$`},
	{"work force-release none", `{"command":"work","subcommand":"force-release","unitid":"none"}`, `^ERROR: unknown work unit none$`},
	{"work results none", `{"command":"work","subcommand":"results","unitid":"none","startpos":0}`, `^ERROR: unknown work unit none$`},
	{"work results UNIT x", `{"command":"work","subcommand":"results","unitid":"UNIT","startpos":"0"}`, `^ERROR: .*convert`},
	{"work submit foo", `{"command":"work","subcommand":"submit","node":"foo"}`, `^ERROR: (work submit requires a target node and work type|field worktype missing)$`},
	{"work submit foo none", `{"command":"work","subcommand":"submit","node":"foo","worktype":"none"}`, `^ERROR: unknown work type none$`},
	{"work", `{"command":"work","subcommand":"nonsense"}`, `^ERROR: bad command$`},
	{"nonsense", `{"command":"nonsense"}`, `^ERROR: Unknown command$`},
	// What ends or confuses existing daemons: one error line, and the session goes on.
	{` status`, `{"command":"status","requested_fields":"Version"}`, `^ERROR: (Unknown command|requested_fields must be an array of strings)$`},
	{`{"command":"status","requested_fields":null}`, `{"command":"status","requested_fields":{"a":1}}`, `^ERROR: requested_fields must be an array of strings$`},
	{`{`, `{bad`, `^ERROR: [^\n]+$`},
	{`{}`, `{"command":7}`, `^ERROR: (JSON did not contain a command|command must be a string)$`},
	{`{"command":"work","subcommand":"submit","node":7}`, `{"command":"work","subcommand":"submit","node":"foo","worktype":"cat","x":1}`, `^ERROR: `},
}

// entrance is a way to the control service.
type entrance struct {
	name string
	dial func() (io.ReadWriteCloser, *bufio.Reader)
}

// entrances are a Unix socket, TCP, TLS and the mesh.
func (w *world) entrances(n *harness.Node, plain, secure int, cfg *tls.Config) []entrance {
	over := func(dial func() (net.Conn, error)) func() (io.ReadWriteCloser, *bufio.Reader) {
		return func() (io.ReadWriteCloser, *bufio.Reader) {
			conn, err := dial()
			w.must(err)
			w.inTime(conn)
			return conn, bufio.NewReader(conn)
		}
	}
	return []entrance{
		{"Unix socket", over(func() (net.Conn, error) { return net.Dial("unix", n.Socket) })},
		{"TCP", over(func() (net.Conn, error) { return net.Dial("tcp4", local(plain)) })},
		{"TLS", over(func() (net.Conn, error) { return tls.DialWithDialer(w.dialer(), "tcp4", local(secure), cfg) })},
		{"mesh", func() (io.ReadWriteCloser, *bufio.Reader) {
			s, err := n.Connect(w.ctx, "foo", "control", "")
			w.must(err)
			return s, s.In
		}},
	}
}

func TestEveryCommandOverEveryTransport(t *testing.T) {
	w := newWorld(t)
	ca := w.authority("authority")
	plain, secure := w.port(), w.port()
	foo := w.node("foo", []string{"--local-only"}, harness.Command("cat", "cat", ""),
		tlsServer("door", w.issue(ca, "foo", of("foo"))),
		[]string{"--control-service", "service=two", "tcplisten=" + local(secure), "tcptls=door"})
	foo.Control = []string{"tcplisten=" + local(plain)}
	w.up(foo)
	unit, _, err := foo.Submit(w.ctx, harness.Work{Node: "foo", Type: "cat", Payload: strings.NewReader("abc")})
	w.must(err)
	_, err = foo.Finished(w.ctx, unit)
	w.must(err)

	for _, door := range w.entrances(foo, plain, secure, w.believing(ca)) {
		conn, in := door.dial()
		if line, err := in.ReadString('\n'); err != nil || line != "Receptor Control, node foo\n" {
			t.Fatalf("%s: %q, %v", door.name, line, err)
		}
		for _, x := range exchanges {
			for _, command := range []string{x.line, x.json} {
				want := regexp.MustCompile(strings.ReplaceAll(x.want, "UNIT", unit))
				_, err := fmt.Fprintln(conn, strings.ReplaceAll(command, "UNIT", unit))
				w.must(err)
				line, err := in.ReadString('\n')
				w.must(err)
				if !want.MatchString(strings.TrimSuffix(line, "\n")) {
					t.Errorf("%s: %s: %q does not match %s", door.name, command, line, x.want)
				}
			}
		}
		w.must(conn.Close())
		w.takesOver(door, unit)
	}
}

// takesOver tries the commands that a session ends with.
func (w *world) takesOver(door entrance, unit string) {
	w.t.Helper()
	for command, want := range map[string]string{
		"work results " + unit + " 1": "Streaming results for work unit " + unit + "\nbc",
		fmt.Sprintf(`{"command":"work","subcommand":"results","unitid":"%s","startpos":2}`, unit): "Streaming results for work unit " + unit + "\nc",
	} {
		conn, in := door.dial()
		_, err := fmt.Fprintln(conn, command)
		w.must(err)
		_, err = in.ReadString('\n')
		w.must(err)
		if text, err := io.ReadAll(in); err != nil || string(text) != want {
			w.t.Errorf("%s: %s: %q, %v", door.name, command, text, err)
		}
		w.must(conn.Close())
	}
	for _, command := range []string{"connect foo two", `{"command":"connect","node":"localhost","service":"two"}`} {
		conn, in := door.dial()
		_, err := fmt.Fprintln(conn, command+"\nping foo")
		w.must(err)
		for _, want := range []string{"Receptor Control, node foo\n", "Connecting\n", "Receptor Control, node foo\n", `"Success":true`} {
			if line, err := in.ReadString('\n'); err != nil || !strings.Contains(line, want) {
				w.t.Fatalf("%s: %s: %q, %v, want %q", door.name, command, line, err, want)
			}
		}
		w.must(conn.Close())
	}
}

// A unit that was canceled has no more output: whoever reads it comes to an end.
func TestResultsOfACanceledUnitEnd(t *testing.T) {
	w := newWorld(t)
	foo := w.node("foo", []string{"--local-only"}, harness.Command("talk", "sh", `-c "echo begun; exec sleep 1000"`))
	w.up(foo)
	unit, _, err := foo.Submit(w.ctx, harness.Work{Node: "foo", Type: "talk"})
	w.must(err)
	s, err := harness.Dial(w.ctx, foo.Socket)
	w.must(err)
	defer s.Close()
	_, err = s.Ask("work results " + unit)
	w.must(err)
	line, err := s.ReadLine()
	if err != nil || line != "begun" {
		t.Fatalf("%q, %v", line, err)
	}
	if answer, err := foo.Ask(w.ctx, "work cancel "+unit); err != nil || answer != `{"cancelled":"`+unit+`"}` {
		t.Errorf("%q, %v", answer, err)
	}
	if rest, err := io.ReadAll(s.In); err != nil || len(rest) > 0 {
		t.Errorf("the rest is %q, %v", rest, err)
	}
}
