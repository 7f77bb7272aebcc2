package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	routerv1 "receptor/proto/router/v1"
	supervisev1 "receptor/proto/supervise/v1"
	workv1 "receptor/proto/work/v1"
)

func expect(t *testing.T, got []byte, want string) {
	t.Helper()
	if string(got) != want+"\n" {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestReplies(t *testing.T) {
	expect(t, Banner("foo"), "Receptor Control, node foo")
	expect(t, UnitCreated("u1"), "Work unit created with ID u1. Send stdin data and EOF.")
	expect(t, Streaming("u1"), "Streaming results for work unit u1")
	expect(t, Error("a\nb\n"), "ERROR: a b")
	expect(t, StartedReply("u", false), `{"result":"Job Started","unitid":"u"}`)
	expect(t, StartedReply("u", true), `{"result":"Job Submitted","unitid":"u"}`)
	expect(t, CancelReply("u", false), `{"cancelled":"u"}`)
	expect(t, CancelReply("u", true), `{"cancel pending":"u"}`)
	expect(t, ReleaseReply("u", false), `{"released":"u"}`)
	expect(t, ReleaseReply("u", true), `{"release pending":"u"}`)
	expect(t, ReloadReply(Reload{}, nil, nil), `{"Success":true}`)
	expect(t, ReloadReply(Reload{}, []Change{{Action: "stop", Item: "links/a"}, {Action: "replace", Item: "b", Why: []string{"tls"}}}, nil),
		`{"Changes":[{"Action":"stop","Item":"links/a"},{"Action":"replace","Item":"b","Why":["tls"]}],"Success":true}`)
	expect(t, ReloadReply(Reload{DryRun: true}, nil, nil), `{"DryRun":true,"Success":true}`)
	expect(t, ReloadReply(Reload{}, nil, ErrNoReload),
		`{"Error":"no configuration file was provided, reload function not set ERRORCODE 4","Success":false}`)
	expect(t, ReloadReply(Reload{}, nil, &ReloadError{ReloadNeedsRestart, "must restart"}), `{"Error":"must restart ERRORCODE 3","Success":false}`)
	expect(t, ReloadReply(Reload{}, nil, errors.New("x")), `{"Error":"x ERRORCODE 4","Success":false}`)
}

func TestPingAndTraceReplies(t *testing.T) {
	ok := Probe{From: "bar", Took: 246768}
	expect(t, PingReply(ok), `{"From":"bar","Success":true,"Time":246768,"TimeStr":"246.768µs"}`)
	expect(t, PingReply(Probe{From: "foo", Problem: "no route to node"}), `{"Error":"no route to node","Success":false}`)
	expect(t, TraceReply([]Probe{{From: "foo", Took: 63501, Problem: "message expired"}, ok}),
		`{"0":{"From":"foo","Time":63501,"TimeStr":"63.501µs"},"1":{"From":"bar","Time":246768,"TimeStr":"246.768µs"}}`)
	expect(t, TraceReply([]Probe{{From: "foo", Took: 59277, Problem: "message expired"}, {From: "foo", Took: 1619, Problem: "no route to node"}}),
		`{"0":{"From":"foo","Time":59277,"TimeStr":"59.277µs"},"1":{"Error":"no route to node","From":"foo","Time":1619,"TimeStr":"1.619µs"}}`)
}

// The last step that there can be says what became of it, too.
func TestTraceIsNotEndless(t *testing.T) {
	probes := make([]Probe, MaxHops+1)
	for i := range probes {
		probes[i] = Probe{From: "x", Problem: "message expired"}
		if TraceEnds(probes[i], i) != (i == 30) {
			t.Errorf("after %d hops: %v", i, TraceEnds(probes[i], i))
		}
	}
	got := string(TraceReply(probes))
	if !strings.Contains(got, `"30":{"Error":"message expired","From":"x"`) || strings.Count(got, "Error") != 1 {
		t.Error(got)
	}
}

func TestStatusReplyIsTheRecordedOne(t *testing.T) {
	host := Host{Version: "1.4.9", CPUs: 2, MemoryMiB: 24103}
	now := time.Date(2026, 11, 22, 7, 16, 22, 378995237, time.UTC)
	control := &routerv1.Tags{Values: map[string]string{"type": "Control Service"}}
	s := &routerv1.Status{
		NodeId:      "foo",
		Connections: []*routerv1.Connection{{Node: "bar", Cost: 1}},
		Known: []*routerv1.KnownNode{
			{Node: "bar", Connections: map[string]float64{"baz": 1, "foo": 1.5}}, {Node: "gone"},
		},
		Routes: map[string]string{"bar": "bar", "baz": "bar"},
		Advertisements: []*routerv1.Advertisement{
			{Node: "foo", Service: "control", ConnType: 1, Tags: control, WorkCommands: []*routerv1.WorkCommand{
				{WorkType: "cat"}, {WorkType: "signed", Secure: true},
			}},
			{Node: "baz", Service: "control", ConnType: 2, TimeText: "2026-11-22T08:16:20.6+01:00"},
			{Node: "baz", Service: "x", Tags: &routerv1.Tags{}, Time: timestamppb.New(now)},
		},
	}
	expect(t, StatusReply(Status{All: true}, s, host, now), `{"Advertisements":[`+
		`{"NodeID":"foo","Service":"control","Time":"2026-11-22T07:16:22.378995237Z","ConnType":1,`+
		`"Tags":{"type":"Control Service"},"WorkCommands":[{"WorkType":"cat","Secure":false},{"WorkType":"signed","Secure":true}]},`+
		`{"NodeID":"baz","Service":"control","Time":"2026-11-22T08:16:20.6+01:00","ConnType":2,"Tags":null,"WorkCommands":null},`+
		`{"NodeID":"baz","Service":"x","Time":"2026-11-22T07:16:22.378995237Z","ConnType":0,"Tags":{},"WorkCommands":null}],`+
		`"Connections":[{"NodeID":"bar","Cost":1}],"KnownConnectionCosts":{"bar":{"baz":1,"foo":1.5},"gone":{}},"NodeID":"foo",`+
		`"RoutingTable":{"bar":"bar","baz":"bar"},"SystemCPUCount":2,"SystemMemoryMiB":24103,"Version":"1.4.9"}`)
	host.Expiring = []Certificate{{Config: "tls-server s", File: "s.crt", Expires: now}}
	soon := `"ExpiringCertificates":[{"Config":"tls-server s","File":"s.crt","Expires":"` + now.Format(time.RFC3339Nano) + `"}]`
	if got := string(StatusReply(Status{All: true}, s, host, now)); !strings.Contains(got, soon) {
		t.Errorf("%s does not tell of %s", got, soon)
	}
	expect(t, StatusReply(Status{Fields: []string{"Version", "Nope", "NodeID"}}, s, host, now), `{"NodeID":"foo","Version":"1.4.9"}`)
	expect(t, StatusReply(Status{Fields: []string{}}, s, host, now), `{}`)
	expect(t, StatusReply(Status{All: true}, &routerv1.Status{}, Host{}, now), `{"Advertisements":[],"Connections":[],`+
		`"KnownConnectionCosts":{},"NodeID":"","RoutingTable":{},"SystemCPUCount":0,"SystemMemoryMiB":0,"Version":""}`)
}

func TestUnitReplies(t *testing.T) {
	u := &workv1.Status{
		UnitId: "u1", State: 1, Detail: "Running: PID 1 <&>", StdoutSize: 3, WorkType: "sh",
		ExtraData: `{"Pid":20295,"Params":"-c"}`,
	}
	one := `{"Detail":"Running: PID 1 \u003c\u0026\u003e","ExtraData":{"Pid":20295,"Params":"-c"},"State":1,"StateName":"Running","StdoutSize":3,"WorkType":"sh"}`
	expect(t, UnitReply(u), one)
	expect(t, UnitsReply([]*workv1.Status{u}), `{"u1":`+one+`}`)
	expect(t, UnitsReply(nil), `{}`)
	expect(t, UnitReply(&workv1.Status{State: 5}),
		`{"Detail":"","ExtraData":null,"State":5,"StateName":"Unknown: 5","StdoutSize":0,"WorkType":""}`)
	expect(t, WatchedUnit(u), `{"unitid":"u1","Detail":"Running: PID 1 \u003c\u0026\u003e","State":1,"StateName":"Running","StdoutSize":3,"WorkType":"sh"}`)
	expect(t, WatchedUnit(&workv1.Status{UnitId: "u1", Gone: true}), `{"unitid":"u1","gone":true}`)
	expect(t, UnitReply(&workv1.Status{State: 9}),
		`{"Detail":"","ExtraData":null,"State":9,"StateName":"Unknown: 9","StdoutSize":0,"WorkType":""}`)
	expect(t, UnitReply(&workv1.Status{State: -1, ExtraData: "Unknown WorkType"}),
		`{"Detail":"","ExtraData":"Unknown WorkType","State":-1,"StateName":"Unknown: -1","StdoutSize":0,"WorkType":""}`)
}

func TestTreeReplyIsOneStableLine(t *testing.T) {
	tree := &supervisev1.Tree{Actor: &supervisev1.Actor{
		Path: "node", Kind: "supervisor", State: supervisev1.State_STATE_RUNNING,
		Children: []*supervisev1.Actor{{Path: "node/router", LastFailure: "a\nb"}},
	}}
	first := TreeReply(tree)
	if !json.Valid(first) || bytes.IndexByte(first, '\n') != len(first)-1 || !strings.Contains(string(first), `"last_failure":"a\nb"`) {
		t.Errorf("%q", first)
	}
	if second := TreeReply(tree); !bytes.Equal(first, second) {
		t.Errorf("%q\n%q", first, second)
	}
}
