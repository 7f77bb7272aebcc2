package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func meshFrom(t *testing.T, text string) mesh {
	t.Helper()
	var st status
	if err := json.Unmarshal([]byte(text), &st); err != nil {
		t.Fatal(err)
	}
	return meshOf(st)
}

// A ring with a tail: foo - bar - baz - foo, where foo - baz is dear; qux hangs at
// baz and has not told of it; lost is known and can't be reached.
const ringStatus = `{"NodeID":"foo","Version":"1.4.9","SystemCPUCount":1,"SystemMemoryMiB":1,"Connections":[{"NodeID":"bar","Cost":1},{"NodeID":"baz","Cost":9}],` +
	`"KnownConnectionCosts":{"foo":{"bar":1,"baz":9},"bar":{"foo":1,"baz":1},"baz":{"bar":1.5,"foo":9,"qux":2},"qux":{},"lost":{}},` +
	`"RoutingTable":{"bar":"bar","baz":"bar","qux":"bar"},"Advertisements":[` +
	`{"NodeID":"baz","Service":"control","Time":"2026-11-22T08:00:00Z","ConnType":1,"Tags":null,"WorkCommands":[{"WorkType":"cat","Secure":false},{"WorkType":"signed","Secure":true}]},` +
	`{"NodeID":"baz","Service":"db","Time":"2026-11-22T08:00:00Z","ConnType":2,"Tags":null,"WorkCommands":null},` +
	`{"NodeID":"baz","Service":"log","Time":"2026-11-22T08:00:00Z","ConnType":0,"Tags":null,"WorkCommands":null}]}`

func TestWays(t *testing.T) {
	m := meshFrom(t, ringStatus)
	for target, want := range map[string]string{
		"bar":  "foo - bar, 1 hop, cost 1",
		"baz":  "foo - bar - baz, 2 hops, cost 2",
		"qux":  "foo - bar - baz - qux, 3 hops, cost 4",
		"lost": "no way", "foo": "no way", "nosuch": "no way",
	} {
		if got := wayText(m.way(target)); got != want {
			t.Errorf("%s: got %s, want %s", target, got, want)
		}
	}
	if got := strings.Join(m.nodes(), " "); got != "bar baz foo lost qux" {
		t.Errorf("nodes %s", got)
	}
}

func TestLinkStates(t *testing.T) {
	m := meshFrom(t, ringStatus)
	for link, want := range map[string]string{
		"foo bar": "1 up", "bar baz": "1 up, 1.5 back", "baz qux": "2 one way: qux does not list baz",
		"qux baz": "2 one way: qux does not list baz", "foo lost": " unknown",
	} {
		from, to, _ := strings.Cut(link, " ")
		if h := m.hop(from, to); fmt.Sprintf("%s %s", h.Cost, h.Link) != want {
			t.Errorf("%s: got %+v, want %s", link, h, want)
		}
	}
}

// The route is newer than what is known of links.
func TestWayThroughTheUnknown(t *testing.T) {
	m := meshFrom(t, `{"NodeID":"a","Connections":[{"NodeID":"b","Cost":1}],"KnownConnectionCosts":{},"RoutingTable":{"b":"b","z":"b"}}`)
	way := m.way("z")
	if got := wayText(way); got != "a - b - z, 2 hops" || way[1].Link != linkUnknown {
		t.Errorf("got %s, %+v", got, way)
	}
}

const ringTrace = `{"0":{"From":"foo","Time":1,"TimeStr":"1ms"},"1":{"From":"bar","Time":2,"TimeStr":"2ms"},"2":{"From":"baz","Time":3,"TimeStr":"3ms"}}`

func TestTracerouteShowsLinks(t *testing.T) {
	node := startFake(t, script{
		"status":          {says(ringStatus)},
		"traceroute baz":  {says(ringTrace)},
		"traceroute lost": {says(`{"0":{"From":"foo","Time":1,"TimeStr":"1ms"},"1":{"Error":"no route to node","From":"foo","Time":1,"TimeStr":"3µs"}}`)},
	})
	const table = "HOP  NODE  TIME  COST  LINK\n" +
		"0    foo   1ms   -     this node\n1    bar   2ms   1     up\n2    baz   3ms   1     up, 1.5 back\n"
	node.ctl(t, "traceroute", "baz", "--hops").want(t, table, "", 0)
	node.ctl(t, "traceroute", "baz").want(t, "0: foo in 1ms\n1: bar in 2ms\n2: baz in 3ms\n", "", 0)
	node.ctl(t, "traceroute", "lost", "--hops").want(t, "HOP  NODE  TIME  COST  LINK\n0    foo   1ms   -     this node\n1    foo   3µs   -     no route to node\n",
		"ERROR: The way to lost ends at foo: no route to node\nTo see why: receptorctl --socket "+node.path+" doctor lost\n", 0)
	var steps map[string]struct {
		From, Link string
		Cost       float64
		Time       int
	}
	got := node.ctl(t, "traceroute", "baz", "--json")
	if err := json.Unmarshal([]byte(got.out), &steps); err != nil {
		t.Fatal(err)
	}
	if s := steps["2"]; s.From != "baz" || s.Cost != 1 || s.Link != "up, 1.5 back" || s.Time != 3 || steps["0"].Link != "" {
		t.Errorf("got %+v", steps)
	}
	term := onTerminal(t, nil, "--socket", node.path, "traceroute", "baz")
	term.expect("2    baz   3ms   1     up, 1.5 back")
	term.exits(0)
}

func TestPingShowsTheWay(t *testing.T) {
	node := startFake(t, script{
		"status":          {says(ringStatus)},
		"ping baz":        {says(`{"From":"baz","Success":true,"TimeStr":"1ms"}`), says(`{"From":"baz","Success":true,"TimeStr":"3ms"}`), says(`{"Error":"timeout","Success":false}`)},
		"ping lost":       {says(`{"Error":"no route to node","Success":false}`)},
		"traceroute lost": {says(`{"0":{"From":"foo","Time":1,"TimeStr":"1ms"},"1":{"Error":"no route to node","From":"foo","Time":1,"TimeStr":"3µs"}}`)},
	})
	node.ctl(t, "ping", "baz", "--hops", "--count", "3", "--delay", "0").want(t,
		"HOP  NODE  COST  LINK\n1    bar   1     up\n2    baz   1     up, 1.5 back\n"+
			"Reply from baz in 1ms\nReply from baz in 3ms\n3 sent, 2 answered, min 1ms, mean 2ms, max 3ms\n", "ERROR: timeout\n", 2)
	node.ctl(t, "ping", "lost", "--hops", "--count", "1").want(t, "No way to lost is known.\n1 sent, 0 answered\n",
		"ERROR: no route to node\nThe way to lost ends at foo: no route to node. To see why: receptorctl --socket "+node.path+" doctor lost\n", 2)
	var doc struct {
		Answers []pingReply
		Way     []hop
	}
	got := node.ctl(t, "ping", "lost", "--hops", "--json", "--count", "1")
	if err := json.Unmarshal([]byte(got.out), &doc); err != nil || len(doc.Answers) != 1 || doc.Way == nil || got.code != 2 {
		t.Errorf("%v, got %+v", err, got)
	}
}
