package command

import (
	"reflect"
	"testing"
)

func TestParseStderr(t *testing.T) {
	tests := []struct {
		line string
		want Request
		err  string
	}{
		{line: "work stderr u", want: ErrorOutput{Unit: "u", Follow: true}},
		{line: "work stderr u 5", want: ErrorOutput{Unit: "u", Offset: 5, Follow: true}},
		{line: "work stderr u 10", want: ErrorOutput{Unit: "u", Offset: 10, Follow: true}},
		{line: "work stderr u -5", err: "start position -5 is negative"},
		{line: "work stderr", err: "work stderr requires a unit ID"},
		{line: "work stderr u 1 2", err: "work stderr only takes a unit ID and optional start position"},
		{line: "work stderr u x", err: `error converting start position to integer: strconv.ParseInt: parsing "x": invalid syntax`},
		{line: `{"command":"work","subcommand":"stderr","unitid":"u"}`, want: ErrorOutput{Unit: "u", Follow: true}},
		{
			line: `{"command":"work","subcommand":"stderr","unitid":"u","startpos":7,"follow":false,"signature":"s"}`,
			want: ErrorOutput{Unit: "u", Offset: 7, Signature: "s"},
		},
		{line: `{"command":"work","subcommand":"stderr"}`, err: "field unitid missing"},
		{line: `{"command":"work","subcommand":"stderr","unitid":"u","startpos":"7"}`, err: "field startpos value 7 is not convertible to an int"},
		{line: `{"command":"work","subcommand":"stderr","unitid":"u","follow":"no"}`, err: "field follow must be true or false"},
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
