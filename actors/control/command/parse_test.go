package command

import (
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	tests := []struct {
		line string
		want Request
		err  string
	}{
		{line: "status", want: Status{All: true}},
		{line: "STATUS ", want: Status{All: true}},
		{line: "status  ", err: "status command does not take parameters"},
		{line: `{"command":"status","requested_fields":["A","B"]}`, want: Status{Fields: []string{"A", "B"}}},
		{line: `{"command":"status","requested_fields":[]}`, want: Status{Fields: []string{}}},
		{line: `{"command":"status","requested_fields":[1]}`, err: "each element of requested_fields must be a string"},
		{line: `{"command":"status","requested_fields":[null]}`, err: "each element of requested_fields must be a string"},
		{line: `{"command":"status","requested_fields":null}`, err: "requested_fields must be an array of strings"},
		{line: `{"command":"status","requested_fields":"A"}`, err: "requested_fields must be an array of strings"},
		{line: `{"command":"status","requested_fields":5}`, err: "requested_fields must be an array of strings"},
		{line: `{"command":"status","requested_fields":{"a":1}}`, err: "requested_fields must be an array of strings"},
		{line: "ping a b", want: Ping{"a b"}},
		{line: " ping a", err: "Unknown command"},
		{line: "", err: "Unknown command"},
		{line: "connect n s", want: Connect{Node: "n", Service: "s"}},
		{line: "connect n s ", want: Connect{Node: "n", Service: "s"}},
		{line: "connect n s t", want: Connect{"n", "s", "t"}},
		{line: `{"command":"connect","node":"n","service":"s","tls":5}`, err: "connect tls name must be string"},
		{line: "connect  s", err: "no connect target"},
		{line: "connect n", err: "no connect target"},
		{line: "connect n s t u", err: "too many parameters"},
		{line: "reload now", want: Reload{}},
		{line: "reload-dry-run", want: Reload{DryRun: true}},
		{line: `{"command":"reload-dry-run"}`, want: Reload{DryRun: true}},
		{line: "tree", want: Tree{}},
		{line: `{"command":"tree"}`, want: Tree{}},
		{line: `{"command":null}`, err: "command must be a string"},
		{line: `{} x`, err: "invalid character 'x' after top-level value"},
		{line: "work", err: "bad command"},
		{line: "work  list", err: "bad command"},
		{line: "WORK LIST u more", want: ListUnits{Unit: "u"}},
		{line: "work watch u", want: WatchUnit{"u"}},
		{line: `{"command":"work","subcommand":"watch","unitid":"u"}`, want: WatchUnit{"u"}},
		{line: "work status ", err: "work status requires a unit ID"},
		{line: `{"command":"work","subcommand":"status","unitid":""}`, err: "field unitid missing"},
		{line: "work cancel u ", err: "work cancel does not take parameters after the unit ID"},
		{line: "work force-release u", want: Release{Unit: "u", Force: true}},
		{
			line: `{"command":"work","subcommand":"release","unitid":"u","signature":"t"}`,
			want: Release{Unit: "u", Signature: "t"},
		},
		{line: "work results u", want: Results{Unit: "u"}},
		{line: "work results u 10", want: Results{Unit: "u", Offset: 10}},
		{line: `{"command":"work","subcommand":"results"}`, err: "field unitid missing"},
		{line: `{"command":"work","subcommand":"results","unitid":"u"}`, err: "field startpos missing"},
		{line: "work drain", want: Drain{}},
		{line: "work drain now", err: "work drain does not take parameters"},
		{line: "work results u -1", want: Results{Unit: "u", Offset: -1}},
		{line: `{"command":"work","subcommand":"results","unitid":"u","startpos":5e1}`, want: Results{Unit: "u", Offset: 50}},
		{
			line: `{"command":"work","subcommand":"results","unitid":"u","startpos":9007199254740993}`,
			want: Results{Unit: "u", Offset: 9007199254740993},
		},
		{
			line: `{"command":"work","subcommand":"results","unitid":"u","startpos":1e300}`,
			err:  "field startpos value 1e+300 is not convertible to an int",
		},
		{
			line: `{"command":"work","subcommand":"results","unitid":"u","startpos":9223372036854775808}`,
			err:  "field startpos value 9.223372036854776e+18 is not convertible to an int",
		},
		{
			line: `{"command":"work","subcommand":"results","unitid":"u","startpos":0.5}`,
			err:  "field startpos value 0.5 is not convertible to an int",
		},
		{line: "work submit n", err: "work submit requires a target node and work type"},
		{line: "work submit  t", err: "work submit requires a target node and work type"},
		{line: "work submit n t", want: Submit{Node: "n", WorkType: "t", Params: map[string]string{}}},
		{line: "work submit n t a", want: Submit{Node: "n", WorkType: "t", Params: map[string]string{"params": "a"}}},
		{
			line: `{"command":"work","subcommand":"submit","node":"n","worktype":"t","submitkey":"k"}`,
			want: Submit{Node: "n", WorkType: "t", Key: "k", Params: map[string]string{}},
		},
		{
			line: "work submit n t a  b",
			want: Submit{Node: "n", WorkType: "t", Params: map[string]string{"params": "a  b"}},
		},
		{
			line: `{"command":"work","subcommand":"submit","node":"n","worktype":"t","tlsclient":"c","ttl":"1s",` +
				`"signwork":"true","signature":"s","params":"p","x":"y"}`,
			want: Submit{
				Node: "n", WorkType: "t", TLSClient: "c", TTL: "1s", SignWork: true, Signature: "s",
				Params: map[string]string{"params": "p", "x": "y"},
			},
		},
		{
			line: `{"command":"work","subcommand":"submit","node":"n","worktype":"t","signwork":true}`,
			err:  "submit parameters must all be strings and signwork is not",
		},
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

func TestWhatABrowserSays(t *testing.T) {
	for line, want := range map[string]bool{
		"POST / HTTP/1.1": true, "GET /x?y HTTP/1.0": true, "PRI * HTTP/2": true,
		"status": false, "connect a HTTP/1.1": false, "POST / HTTP/1.1 x": false, `{"command":"status"}`: false, "": false,
	} {
		if IsHTTP([]byte(line)) != want {
			t.Errorf("%q: want %v", line, want)
		}
	}
}

// checkLine proves what every line promises: a request or a text, and a text is
// one line.
func checkLine(t *testing.T, line []byte) {
	r, err := Parse(line)
	if (r == nil) == (err == nil) {
		t.Fatalf("%q: %#v, %v", line, r, err)
	}
	if err == nil {
		return
	}
	if text := string(Error(err.Error())); strings.IndexByte(text, '\n') != len(text)-1 {
		t.Fatalf("%q: the error is not one line: %q", line, text)
	}
}

func FuzzLine(f *testing.F) {
	for _, d := range recorded(f) {
		if !strings.HasPrefix(d.sent, "{") {
			f.Add([]byte(strings.TrimSuffix(d.sent, "\n")))
		}
	}
	f.Fuzz(checkLine)
}

func FuzzJSON(f *testing.F) {
	for _, d := range recorded(f) {
		if rest, ok := strings.CutPrefix(d.sent, "{"); ok {
			f.Add([]byte(strings.TrimSuffix(rest, "\n")))
		}
	}
	f.Fuzz(func(t *testing.T, rest []byte) { checkLine(t, append([]byte("{"), rest...)) })
}
