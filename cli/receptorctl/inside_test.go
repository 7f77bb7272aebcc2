package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	inspectv1 "receptor/proto/inspect/v1"
	supervisev1 "receptor/proto/supervise/v1"
)

const (
	eventLines = `{"last":3}
{"sequence":"1","time":"2026-11-22T08:00:00.250Z","link_up":{"path":"node/links/x/link","neighbour":"bar","cost":1}}
{}
{"sequence":"2","time":"2026-11-22T08:00:01Z","actor_failed":{"path":"node/links/x/link","failure":"dial: refused","verdict":"VERDICT_RESTART","next_try":"2026-11-22T08:00:02Z"}}
{"sequence":"3","time":"2026-11-22T08:00:01.500Z","routes_changed":{"unreachable":["a","b"],"unreachable_count":2}}`
	askEvents = `{"after":0,"command":"events","follow":false}`
)

func TestEventsAreLines(t *testing.T) {
	local := time.Local
	time.Local = time.UTC
	defer func() { time.Local = local }()
	told := answer{text: eventLines + "\n", hangUp: true}
	node := startFake(t, script{askEvents: {told, told}, `{"after":7,"command":"events","follow":true}`: {says("ERROR: events needs the daemon to run with --debug")}})
	got := node.ctl(t, "events")
	want := `2026-11-22 08:00:00.250 link up path=node/links/x/link neighbour=bar cost=1
2026-11-22 08:00:01.000 actor failed path=node/links/x/link failure="dial: refused" verdict=restart next_try="2026-11-22 08:00:02"
2026-11-22 08:00:01.500 routes changed unreachable=a,b unreachable_count=2
`
	if got.out != want || got.code != 0 {
		t.Errorf("got %+v\nwant %s", got, want)
	}
	got = node.ctl(t, "events", "--json")
	if lines := strings.Split(strings.TrimSpace(got.out), "\n"); len(lines) != 3 || !json.Valid([]byte(lines[0])) || got.code != 0 {
		t.Errorf("as JSON: %+v", got)
	}
	if got := node.ctl(t, "events", "--follow", "--after", "7"); got.code != 1 || !strings.Contains(got.err, "--debug") {
		t.Errorf("refused: %+v", got)
	}
}

const linksReply = `{"Links":[{"path":"node/links/x/link","backend":"tcp-peer:h:1","neighbour":"bar","state":"LINK_STATE_ESTABLISHED","cost":1.5,` +
	`"quality":{"source":"QUALITY_SOURCE_PROBE","rtt":"0.0123s","jitter":"0.000456s","loss":0.031},"traffic":{"bytes_in_per_second":2048},"queue":{"delay":"2s","dropped":"7"}}]}`

func TestStatusTellsHowGoodLinksAre(t *testing.T) {
	askLinks := `{"command":"status","requested_fields":["Links"]}`
	status := says(`{"NodeID":"foo","Version":"1.4.9"}`)
	node := startFake(t, script{"status": {status}, askLinks: {says(linksReply), says(linksReply), says("{}")}})
	got := node.ctl(t, "status", "--long")
	line := strings.Join(strings.Fields(got.out[strings.LastIndex(strings.TrimSpace(got.out), "\n")+1:]), " ")
	if line != "tcp-peer:h:1 bar established 1.50 12.3ms 456µs 3.1% 2.0 KiB/s 0 B/s 0 B 2s 7" || got.code != 0 {
		t.Errorf("%+v", got)
	}
	got = node.ctl(t, "status", "--long", "--json")
	var reply struct {
		NodeID string
		Links  []struct{ Neighbour string }
	}
	if err := json.Unmarshal([]byte(got.out), &reply); err != nil || reply.NodeID != "foo" || len(reply.Links) != 1 || reply.Links[0].Neighbour != "bar" {
		t.Errorf("as JSON: %v, %+v", err, got)
	}
	down := `{"Links":[{"backend":"tcp-peer:h:1","state":"LINK_STATE_DOWN","failure":"dial:\nconnection refused"}]}`
	node.script[askLinks] = []answer{says(down), says("{}")}
	if got := node.ctl(t, "status", "--long"); !strings.HasSuffix(got.out, "\n\ntcp-peer:h:1: dial: connection refused\n") {
		t.Errorf("a link that is down: %q", got.out)
	}
	if got := node.ctl(t, "status", "--long"); got.code != 1 || !strings.Contains(got.err, "does not tell how good") {
		t.Errorf("a node that does not tell: %+v", got)
	}
}

func TestActions(t *testing.T) {
	node := startFake(t, script{
		`{"action":"restart","command":"act","path":"node/links"}`:                              {says(`{"Success":true,"Text":"restart node/links"}`)},
		`{"action":"link-down","command":"act","path":"bar","seconds":30}`:                      {says(`{"Success":true,"Text":"link down bar"}`)},
		`{"action":"log-level","command":"act","level":"debug","path":"node/work","seconds":5}`: {says("ERROR: actions need the daemon to run with --debug actions=true")},
	})
	if got := node.ctl(t, "act", "restart", "node/links"); got.out != "restart node/links\n" || got.code != 0 {
		t.Errorf("%+v", got)
	}
	if got := node.ctl(t, "act", "link-down", "bar"); got.out != "link down bar\n" || got.code != 0 {
		t.Errorf("%+v", got)
	}
	if got := node.ctl(t, "act", "log-level", "--for", "5s", "node/work", "debug"); !strings.Contains(got.err, "actions=true") || got.code != 1 {
		t.Errorf("%+v", got)
	}
}

func TestTraceShowsOnlyItsOwn(t *testing.T) {
	events := `{"last":4}
{"sequence":"0","time":"2026-11-22T08:00:00Z","action_taken":{"action":"trace","path":"node/router"}}
{"sequence":"1","time":"2026-11-22T08:00:01Z","message_traced":{"path":"node/router","type":"old.Message"}}
{"sequence":"2","time":"` + time.Now().Add(time.Minute).UTC().Format(time.RFC3339) + `","action_taken":{"action":"trace","path":"node/router"}}
{"sequence":"3","message_traced":{"path":"node/router","type":"router.v1.Tick","fields":[{"name":"job","text":"JOB_AGE"}]}}
{"sequence":"4","message_traced":{"path":"node/work","type":"other.Message"}}`
	node := startFake(t, script{
		`{"action":"trace","command":"act","path":"node/router","rate":20,"seconds":60}`: {says(`{"Success":true,"Text":"trace"}`)},
		`{"after":0,"command":"events","follow":true}`:                                   {{text: events + "\n", hangUp: true}},
	})
	got := node.ctl(t, "act", "trace", "node/router")
	if !strings.Contains(got.out, "router.v1.Tick") || !strings.Contains(got.out, "job:JOB_AGE") || strings.Count(got.out, "\n") != 1 || got.code != 0 {
		t.Errorf("%+v", got)
	}
}

func busyReply(total string) string {
	return `{"actor":{"path":"node","children":[{"path":"node/router","kind":"family","state":"STATE_RUNNING","mailbox_depth":3,` +
		`"activity":{"messages_per_second":12.5,"handling":[{"type":"router.v1.Tick","total":"` + total + `","p99":"0.002s"}]}},` +
		`{"path":"node/links","kind":"family","state":"STATE_RUNNING","activity":{}}]}}`
}

func TestTopComparesTwoTimes(t *testing.T) {
	ask := `{"command":"tree","detail":true}`
	node := startFake(t, script{ask: {says(busyReply("1s")), says(busyReply("1.05s"))}})
	got := node.ctl(t, "top", "-n", "1", "-i", "100ms", "--json")
	var p struct {
		Actors []struct {
			Path     string  `json:"path"`
			Busy     float64 `json:"busy"`
			Mailbox  int     `json:"mailbox"`
			MostTime string  `json:"most_time"`
		} `json:"actors"`
	}
	if err := json.Unmarshal([]byte(got.out), &p); err != nil || len(p.Actors) != 2 || p.Actors[0].Path != "node/router" {
		t.Fatalf("%v: %+v", err, got)
	}
	if a := p.Actors[0]; a.Busy <= 0 || a.Busy > 0.51 || a.Mailbox != 3 || a.MostTime != "router.v1.Tick" {
		t.Errorf("%+v", a)
	}
	node = startFake(t, script{ask: {says(busyReply("1s"))}})
	got = node.ctl(t, "top", "-n", "2", "-i", "100ms")
	if strings.Count(got.out, "node/router") != 2 || !strings.HasPrefix(got.out, "ACTOR") || got.code != 0 {
		t.Errorf("%+v", got)
	}
}

func TestTreeInDetail(t *testing.T) {
	a := &supervisev1.Actor{Path: "node/work/x", Kind: "unit", Description: &inspectv1.Description{Attributes: []*inspectv1.Attribute{
		{Name: "state", Value: &inspectv1.Attribute_Text{Text: "Running"}},
		{Name: "pid", Value: &inspectv1.Attribute_Number{Number: 4711}},
	}}}
	if got := treeText(a, time.Now()); !strings.Contains(got, "state Running, pid 4711") {
		t.Errorf("%s", got)
	}
	ask := `{"command":"tree","detail":true,"path":"node/work"}`
	node := startFake(t, script{ask: {says(`{"actor":{"path":"node/work","kind":"family"}}`), says("ERROR: no such actor: node/work")}})
	if got := node.ctl(t, "tree", "--long", "node/work"); !strings.Contains(got.out, "family") || got.code != 0 {
		t.Errorf("%+v", got)
	}
	if got := node.ctl(t, "tree", "--long", "node/work"); !strings.Contains(got.err, "no such actor") || got.code != 1 {
		t.Errorf("%+v", got)
	}
}
