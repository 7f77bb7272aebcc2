package command

import (
	"reflect"
	"strings"
	"testing"

	workv1 "receptor/proto/work/v1"
)

func TestListIsNarrowed(t *testing.T) {
	const narrowable = "work list can't be narrowed by colour, only by after, detail, limit, node, state, worktype"
	for members, want := range map[string]any{
		``:              ListUnits{},
		`"unitid":"u"`:  ListUnits{Unit: "u"},
		`"unitid":5`:    ListUnits{},
		`"signature":1`: ListUnits{},
		`"state":"running, FAILED"`: ListUnits{
			States: []workv1.State{workv1.State_STATE_RUNNING, workv1.State_STATE_FAILED},
		},
		`"state":"Pending"`:  ListUnits{States: []workv1.State{workv1.State_STATE_PENDING_UNSPECIFIED}},
		`"state":"canceled"`: ListUnits{States: []workv1.State{workv1.State_STATE_CANCELED}},
		`"limit":1`:          ListUnits{Limit: 1},
		`"limit":2147483647`: ListUnits{Limit: 2147483647},
		`"limit":2147483648`: "field limit must be at least 1, and fit in 31 bits",
		`"detail":1`:         "field detail must be a string",
		`"state":"","worktype":"","node":"","after":"","detail":"full"`: ListUnits{},
		`"worktype":"cat","node":"bar","after":"x7","limit":2,"detail":"brief"`: ListUnits{
			WorkType: "cat", Node: "bar", After: "x7", Limit: 2, Brief: true,
		},
		`"state":"done"`:             `unknown state "done": units are Pending, Running, Succeeded, Failed, Canceled`,
		`"state":"running,"`:         `unknown state "": units are Pending, Running, Succeeded, Failed, Canceled`,
		`"state":1`:                  "field state must be a string",
		`"node":null`:                "field node must be a string",
		`"limit":0`:                  "field limit must be at least 1, and fit in 31 bits",
		`"limit":4294967296`:         "field limit must be at least 1, and fit in 31 bits",
		`"limit":"2"`:                "field limit value 2 is not convertible to an int",
		`"detail":"long"`:            `unknown detail "long": it is full or brief`,
		`"colour":"red"`:             narrowable,
		`"unitid":"u","state":"run"`: "work list takes a unit ID or state, not both",
	} {
		line := `{"command":"work","subcommand":"list",` + members + `}`
		got, err := Parse([]byte(strings.Replace(line, ",}", "}", 1)))
		if text, refused := want.(string); refused {
			if err == nil || err.Error() != text {
				t.Errorf("%s: %#v, error %v, want %q", members, got, err, text)
			}
		} else if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %#v, %v, want %#v", members, got, err, want)
		}
	}
}

func TestBriefUnitsSayWhatRunsWhere(t *testing.T) {
	units := []*workv1.Status{
		{UnitId: "u", State: 2, Detail: "exit status 0", StdoutSize: 3, WorkType: "cat", ExtraData: `{"x":1}`},
		{UnitId: "a", WorkType: "remote", RemoteNode: "bar", RemoteWorkType: "sh", ExtraData: `{"RemoteNode":"bar"}`, CreatedUnixNs: 1500000000000000000},
	}
	expect(t, BriefUnitsReply(units, "foo"),
		`{"a":{"Created":"2017-07-14T02:40:00Z","Detail":"","Node":"bar","State":0,"StateName":"Pending","StdoutSize":0,"WorkType":"sh"},`+
			`"u":{"Detail":"exit status 0","Node":"foo","State":2,"StateName":"Succeeded","StdoutSize":3,"WorkType":"cat"}}`)
}
