package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

const (
	answered = `{"From":"x","Success":true,"TimeStr":"1ms"}`
	noRoute  = `{"Error":"no route to node","Success":false}`
	timedOut = `{"Error":"timeout","Success":false}`
)

// diagnose runs the doctor and returns each finding as "result check".
func (f *fakeNode) diagnose(t *testing.T, code int, args ...string) (marks []string, text string) {
	t.Helper()
	got := f.ctl(t, append([]string{"doctor", "--json"}, args...)...)
	var findings []finding
	if err := json.Unmarshal([]byte(got.out), &findings); err != nil || got.code != code || got.err != "" {
		t.Errorf("%q: %v, got %+v, want exit %d", args, err, got, code)
	}
	for _, f := range findings {
		marks = append(marks, f.Result+" "+f.Check)
	}
	return marks, got.out
}

func wantMarks(t *testing.T, got []string, text string, want ...string) {
	t.Helper()
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("got  %q\nwant %q\nin %s", got, want, text)
	}
}

func wantText(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("no %q in %s", p, text)
		}
	}
}

const twoNodes = `{"NodeID":"foo","Version":"1.4.9","Connections":[{"NodeID":"bar","Cost":1}],"KnownConnectionCosts":{"foo":{"bar":1},"bar":{"foo":1}},"RoutingTable":{"bar":"bar"},"Advertisements":[]}`

const askLinkTree = `{"command":"status","requested_fields":["LinkTree"]}`

// linkTreeReply is what a node tells of the links of treeReply.
func linkTreeReply(t *testing.T) string {
	t.Helper()
	var tree struct {
		Actor struct{ Children []json.RawMessage }
	}
	if err := json.Unmarshal([]byte(treeReply), &tree); err != nil {
		t.Fatal(err)
	}
	return oneLine(t, `{"LinkTree":`+string(tree.Actor.Children[1])+`}`)
}

func TestDoctorOfAHealthyNode(t *testing.T) {
	node := startFake(t, script{"status": {says(twoNodes)}, "ping bar": {says(answered)}})
	node.ctl(t, "doctor").want(t, `ok    socket       connected to node foo
ok    version      foo runs 1.4.9, as receptorctl
ok    neighbours   bar
ok    routes       all 2 nodes of the mesh have a route, all links are known at both ends
ok    ping         bar answers in 1ms
`, "", 0)
}

func TestDoctorWithoutANode(t *testing.T) {
	got := runCtl(t.Context(), strings.NewReader(""), "--socket", "/nonexistent/socket", "doctor")
	got.want(t, "fail  socket       Socket path does not exist: /nonexistent/socket -> Is the node running, and is this the file name of its control-service?\n", "", 1)
}

func TestDoctorOfANodeInTrouble(t *testing.T) {
	st := strings.Replace(ringStatus, `"Version":"1.4.9"`, `"Version":"1.4.8","ExpiringCertificates":[`+
		`{"Config":"tls-server main","File":"/etc/a.crt","Expires":"2020-01-01T00:00:00Z"},`+
		`{"Config":"tls-client out","File":"/etc/b.crt","Expires":"`+time.Now().Add(49*time.Hour).Format(time.RFC3339)+`"}]`, 1)
	node := startFake(t, script{
		"status": {says(st)}, askLinkTree: {says(linkTreeReply(t))},
		"ping bar": {says(timedOut)}, "ping baz": {says(`{"Error":"blocked by firewall","Success":false}`)},
	})
	marks, text := node.diagnose(t, 1)
	wantMarks(t, marks, text, "ok socket", "warn version", "fail certificate", "warn certificate", "ok neighbours",
		"fail link", "warn link", "fail route", "warn link", "fail ping", "fail ping")
	wantText(t, text, "/etc/a.crt of tls-server main has expired", "/etc/b.crt of tls-client out expires in 2d",
		"tcp-peer:10.0.0.1:2222/link is restarting: failed", "dial: connection refused", "Nobody listens at that address",
		"10.0.0.9:4242 is gone", "there is no route to lost", "qux does not list baz", "firewallrules", "lost on the way")
}

func TestDoctorOfAReachableNode(t *testing.T) {
	node := startFake(t, script{
		"status": {says(ringStatus)}, "ping baz": {says(answered)},
		"connect baz control ": {says("Connecting", "Receptor Control, node baz")},
	})
	marks, text := node.diagnose(t, 0, "baz")
	wantMarks(t, marks, text, "ok socket", "ok version", "ok route", "ok link", "ok link", "ok ping", "ok service", "ok version")
	wantText(t, text, "foo - bar - baz, 2 hops, cost 2", "bar - baz is up, 1.5 back, cost 1", "baz runs 1.4.9, as foo")
	if marks, text := node.diagnose(t, 0, "localhost"); len(marks) == 0 {
		t.Error(text)
	}
}

func TestDoctorOfNodesOutOfReach(t *testing.T) {
	node := startFake(t, script{
		"status": {says(ringStatus)}, "ping qux": {says(timedOut)}, askLinkTree: {says(linkTreeReply(t))},
		"traceroute qux": {says(`{"0":{"From":"foo","TimeStr":"1ms"},"1":{"From":"bar","TimeStr":"1ms"},"2":{"Error":"timeout","From":"","TimeStr":"10s"}}`)},
	})
	marks, text := node.diagnose(t, 1, "quz")
	wantMarks(t, marks, text, "ok socket", "ok version", "fail known", "fail link", "warn link")
	wantText(t, text, "nothing is known of a node quz", "Did you mean qux?")

	marks, text = node.diagnose(t, 1, "lost")
	wantMarks(t, marks, text, "ok socket", "ok version", "fail route", "fail link", "warn link")

	marks, text = node.diagnose(t, 1, "qux")
	wantMarks(t, marks, text, "ok socket", "ok version", "ok route", "ok link", "ok link", "warn link", "fail ping", "fail link", "warn link", "fail traceroute")
	wantText(t, text, "the way to qux ends at bar: timeout")
}

func TestDoctorOfANodeThatKeepsItsLinksToItself(t *testing.T) {
	node := startFake(t, script{"status": {says(ringStatus)}})
	marks, text := node.diagnose(t, 1, "lost")
	wantMarks(t, marks, text, "ok socket", "ok version", "fail route", "warn links")
	wantText(t, text, "--debug")
}

func TestDoctorOfServices(t *testing.T) {
	node := startFake(t, script{
		"status": {says(ringStatus)}, "ping baz": {says(answered)},
		"connect baz db ":     {says("ERROR: CRYPTO_ERROR 0x12a (local): insecure connection to secure service")},
		"connect baz db good": {says("Connecting")},
		"connect baz hidden ": {says("ERROR: context canceled")},
		"connect baz contrl ": {says("ERROR: blocked by firewall")},
	})
	base := []string{"ok socket", "ok version", "ok route", "ok link", "ok link", "ok ping"}
	for _, c := range []struct {
		args []string
		code int
		want []string
		text string
	}{
		{[]string{"baz", "db"}, 1, []string{"ok advertised", "fail service"}, "name a tls-client"},
		{[]string{"baz", "db", "--tls-client", "good"}, 0, []string{"ok advertised", "ok service"}, "takes connections"},
		{[]string{"baz", "log"}, 0, []string{"ok advertised", "ok service"}, "datagrams"},
		{[]string{"baz", "hidden"}, 1, []string{"warn advertised", "fail service"}, "Nobody listens there"},
		{[]string{"baz", "contrl"}, 1, []string{"warn advertised", "fail service"}, "Did you mean control?"},
	} {
		marks, text := node.diagnose(t, c.code, c.args...)
		wantMarks(t, marks, text, append(base[:len(base):len(base)], c.want...)...)
		wantText(t, text, c.text)
	}
}

func farStatus(state, detail, far string) answer {
	return says(`{"Detail":"` + detail + `","ExtraData":{` + far + `},"State":` + state + `,"StateName":"S","StdoutSize":5,"WorkType":"remote"}`)
}

func TestDoctorOfUnits(t *testing.T) {
	const at = `"RemoteNode":"baz","RemoteWorkType":"cat","RemoteUnitID":"far1","TLSClient":"","Expiration":"0001-01-01T00:00:00Z"`
	node := startFake(t, script{
		"status": {says(ringStatus)}, "ping baz": {says(answered)}, "ping lost": {says(noRoute)},
		"connect baz control ": {says("Connecting", "Receptor Control, node baz")},
		"work list":            {says(`{"here1":{},"here2":{}}`)},
		"work status here1":    {isIn(3, "exit status 3", 0)},
		"work status there":    {farStatus("1", "Running", at)},
		"work status far1":     {isIn(2, "exit status 0", 7)},
		"work status cut":      {farStatus("0", "Connecting", strings.ReplaceAll(at, "baz", "lost"))},
		"work status unsigned": {farStatus("0", "x", strings.NewReplacer(`"cat"`, `"signed"`, "far1", "").Replace(at))},
		"work status mistaken": {farStatus("3", "unknown work type cst", strings.NewReplacer(`"cat"`, `"cst"`, "far1", "").Replace(at))},
	})
	base := []string{"ok socket", "ok version"}
	way := []string{"ok route", "ok link", "ok link", "ok ping"}
	for _, c := range []struct {
		id   string
		code int
		want []string
		text string
	}{
		{"here1", 1, []string{"fail unit"}, "work logs here1"},
		{"here3", 1, []string{"fail unit"}, "Did you mean here1?"},
		{"there", 0, append(append([]string{"ok unit"}, way...), "ok work type", "ok service", "ok version", "warn remote"), "7 B of output there and 5 B here"},
		{"cut", 1, []string{"warn unit", "fail route", "warn links"}, "no route to lost"},
		{"unsigned", 0, append(append([]string{"warn unit"}, way...), "warn work type", "ok service", "ok version", "warn remote"), "--signwork"},
		{"mistaken", 1, append(append([]string{"fail unit"}, way...), "fail work type", "ok service", "ok version"), "Did you mean cat?"},
	} {
		marks, text := node.diagnose(t, c.code, "unit", c.id)
		wantMarks(t, marks, text, append(base[:2:2], c.want...)...)
		wantText(t, text, c.text)
	}
}

func TestDoctorIsColouredOnATerminal(t *testing.T) {
	node := startFake(t, script{"status": {says(twoNodes)}, "ping bar": {says(noRoute)}})
	term := onTerminal(t, nil, "--socket", node.path, "doctor", "bar")
	term.expect(seen(green)+"ok"+seen(plain)+"    socket", seen(red)+"fail"+seen(plain)+"  ping         bar does not answer: no route to node -> Is bar running")
	term.exits(1)
	node.ctl(t, "doctor", "a", "b", "c").want(t, "", "ERROR: Got unexpected extra arguments (c)\nSee receptorctl doctor --help.\n", 1)
}
