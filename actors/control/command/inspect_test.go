package command

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	inspectv1 "receptor/proto/inspect/v1"
	routerv1 "receptor/proto/router/v1"
	supervisev1 "receptor/proto/supervise/v1"
)

func TestParseInspection(t *testing.T) {
	tests := []struct {
		line string
		want Request
		err  string
	}{
		{line: "tree node", err: "tree command does not take parameters"},
		{line: `{"command":"tree","path":"node/links","detail":true}`, want: Tree{Path: "node/links", Detail: true}},
		{line: `{"command":"tree","detail":false}`, want: Tree{}},
		{line: `{"command":"tree","detail":"yes"}`, err: "field detail must be true or false"},
		{line: "events", want: Events{}},
		{line: "events 5", err: "events command does not take parameters"},
		{line: `{"command":"events"}`, want: Events{}},
		{line: `{"command":"events","after":0,"follow":false}`, want: Events{}},
		{line: `{"command":"events","after":7,"follow":true}`, want: Events{After: 7, Follow: true}},
		{line: `{"command":"events","after":9223372036854775807}`, want: Events{After: 1<<63 - 1}},
		{line: `{"command":"events","follow":1}`, err: "field follow must be true or false"},
		{line: `{"command":"events","after":-1}`, err: "field after must be a number from 0 to 9223372036854775807"},
		{line: `{"command":"events","after":"7"}`, err: "field after value 7 is not convertible to an int"},
	}
	for _, tt := range tests {
		got, err := Parse([]byte(tt.line))
		switch {
		case tt.err != "" && (err == nil || err.Error() != tt.err):
			t.Errorf("%q: error %v, want %q", tt.line, err, tt.err)
		case tt.err == "" && (err != nil || !reflect.DeepEqual(got, tt.want)):
			t.Errorf("%q: %#v, %v, want %#v", tt.line, got, err, tt.want)
		}
	}
}

func TestParseActions(t *testing.T) {
	const most = 1<<32 - 1
	for members, want := range map[string]any{
		`"action":"restart","path":"node/a"`:                     &inspectv1.RestartActor{Path: "node/a"},
		`"action":"log-level","path":"node/a","level":"debug"`:   &inspectv1.SetLogLevel{Path: "node/a", Level: "debug"},
		`"action":"log-level","path":"node","seconds":60`:        &inspectv1.SetLogLevel{Path: "node", Seconds: 60},
		`"action":"link-down","path":"b","seconds":4294967295`:   &inspectv1.TakeLinkDown{Neighbour: "b", Seconds: most},
		`"action":"trace","path":"node/a","rate":10,"seconds":5`: &inspectv1.TraceActor{Path: "node/a", PerSecond: 10, Seconds: 5},
		`"action":"trace","path":"node/a","rate":4294967296`:     "field rate must be a number from 0 to 4294967295",
		`"action":"link-down","path":"b","seconds":4294967296`:   "field seconds must be a number from 0 to 4294967295",
		`"action":"restart","path":"node/a","seconds":-1`:        "field seconds must be a number from 0 to 4294967295",
		`"action":"restart"`:              "field path missing",
		`"path":"node/a"`:                 "field action missing",
		`"action":"stop","path":"node/a"`: "unknown action stop (known: restart, log-level, link-down, trace)",
	} {
		got, err := Parse([]byte(`{"command":"act",` + members + `}`))
		if text, refused := want.(string); refused {
			if err == nil || err.Error() != text {
				t.Errorf("%s: %#v, error %v, want %q", members, got, err, text)
			}
			continue
		}
		if act, ok := got.(Act); err != nil || !ok || !proto.Equal(act.Action, want.(proto.Message)) {
			t.Errorf("%s: %v, %v, want %v", members, got, err, want)
		}
	}
}

func TestInspectionReplies(t *testing.T) {
	expect(t, EventsHead(7), `{"last":7}`)
	expect(t, ActReply(&inspectv1.ActionReply{Result: &inspectv1.ActionReply_Done{Done: &inspectv1.ActionDone{Text: "x"}}}),
		`{"Success":true,"Text":"x"}`)
	expect(t, ActReply(&inspectv1.ActionReply{Result: &inspectv1.ActionReply_Refused{Refused: &inspectv1.ActionRefused{Text: "no"}}}),
		`ERROR: no`)
	bad := string(TreeReply(&supervisev1.Tree{Actor: &supervisev1.Actor{Path: "node\xff"}}))
	if !strings.HasPrefix(bad, "ERROR: could not convert response to JSON: ") || strings.Count(bad, "\n") != 1 {
		t.Errorf("a tree that can't be shown: %q", bad)
	}
}

// What only some parts of the node know is asked for only if somebody wants it, and
// is there only if they said it.
func TestStatusOfTheLinks(t *testing.T) {
	links := Links([]*inspectv1.Link{{Neighbour: "b"}, {Neighbour: "\xff"}})
	tree := LinkTree(&supervisev1.Actor{Path: "node/links"})
	if bad := LinkTree(&supervisev1.Actor{Path: "\xff"}); bad != nil {
		t.Errorf("a tree that can't be shown: %s", bad)
	}
	known := Host{Version: "1", Links: links, LinkTree: tree}
	both := Status{Fields: []string{"Links", "LinkTree"}}
	for _, c := range []struct {
		r                  Status
		host               Host
		reply              string // of the members in question
		wantsLinks, router bool
	}{
		{both, known, `{"LinkTree":{"path":"node/links"},"Links":[{"neighbour":"b"}]}`, true, false},
		{both, Host{}, `{}`, true, false},
		{Status{Fields: []string{"Links"}}, known, `{"Links":[{"neighbour":"b"}]}`, true, false},
		{Status{Fields: []string{"LinkTree"}}, known, `{"LinkTree":{"path":"node/links"}}`, true, false},
		{Status{Fields: []string{"Version"}}, known, `{"Version":"1"}`, false, false},
		{Status{Fields: []string{"Version", "RoutingTable"}}, known, `{"RoutingTable":{},"Version":"1"}`, false, true},
		{Status{Fields: []string{"Connections"}}, known, `{"Connections":[]}`, false, true},
		{Status{Fields: []string{"KnownConnectionCosts"}}, known, `{"KnownConnectionCosts":{}}`, false, true},
		{Status{Fields: []string{"Advertisements"}}, known, `{"Advertisements":[]}`, false, true},
		{Status{Fields: []string{}}, known, `{}`, false, false},
	} {
		expect(t, StatusReply(c.r, &routerv1.Status{}, c.host, time.Time{}), c.reply)
		if c.r.WantsLinks() != c.wantsLinks || c.r.NeedsRouter() != c.router {
			t.Errorf("%v: links %v, router %v", c.r.Fields, c.r.WantsLinks(), c.r.NeedsRouter())
		}
	}
	if all := (Status{All: true}); all.WantsLinks() || !all.NeedsRouter() {
		t.Error("a whole status is that of existing systems: from the router, without links")
	}
}
