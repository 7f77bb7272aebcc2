package main

import (
	"strings"
	"testing"
)

func TestTreeOfASingleActorTellsAllThatIsKnown(t *testing.T) {
	const ask = `{"command":"tree","detail":true,"path":"node/links/x/link"}`
	const reply = `{"actor":{"path":"node/links/x/link","kind":"link","state":"STATE_RUNNING","restarts":"2","failure_count":"9",` +
		`"activity":{"messages":"12","messages_per_second":1.25,"current":"links.v1.Tick","current_since":"2020-01-01T00:00:00Z","oldest":"2.500s",` +
		`"handling":[{"type":"links.v1.Tick","count":"11","p50":"0.000002s","p99":"0.001s","max":"0.0015s","total":"0.002s"}]},` +
		`"failures":[{"failure":"older","stack":"links.(*link).fail\n\tlink.go:7\n","time":"2020-01-01T00:00:00Z","restarted":"2020-01-01T00:00:03Z"},` +
		`{"failure":"newer","time":"2020-01-02T00:00:00Z","message":"links.v1.ConnLost","stack":"links.(*link).fail\n\tlink.go:7\n"}]}}`
	node := startFake(t, script{ask: {says(reply)}})
	got := node.ctl(t, "tree", "--long", "node/links/x/link")
	node.ctl(t, "tree", "--long", "--json", "node/links/x/link")
	wantText(t, got.out, "12 messages, 1.2 a second; handles links.v1.Tick for ", "; the oldest of those that wait came 2.5s ago",
		"MESSAGE        COUNT  P50  P99  MAX    ALL\nlinks.v1.Tick  11     2µs  1ms  1.5ms  2ms\n",
		"\n9 failures, 2 restarts\n\nfailed ", ": newer\n  at links.v1.ConnLost\n  links.(*link).fail\n  \tlink.go:7\n\nfailed ",
		": older, started again after 3s\n")
	if got.code != 0 {
		t.Errorf("%+v", got)
	}
}

func TestStatusOfAnotherNode(t *testing.T) {
	const connect = "connect bar control "
	node := startFake(t, script{connect: {says("Connecting", "Receptor Control, node bar")}, "status": {says(twoNodes)}})
	got := node.ctl(t, "status", "--node", "bar")
	if got.code != 0 || got.err != "" {
		t.Errorf("%+v", got)
	}
	wantText(t, got.out, "foo")
	if asked := strings.Join(node.lines(), ", "); asked != connect+", status" {
		t.Errorf("asked %q", asked)
	}
}
