package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode"

	"receptor/actors/supervise/cut"
)

// evil has what could steer a terminal, hide or forge a line.
const evil = "e\x1b]0;t\a\x1b[2J\u009b31m\u202egnp\u2028\x7f\r\nWARNING forged\u200f\U000e0041"

// steers finds what a terminal must not get, and lines that begin with forged text.
func steers(text string) string {
	for _, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, "WARNING forged") {
			return "a forged line"
		}
		for _, r := range line {
			if r != '\t' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
				return fmt.Sprintf("%U", r)
			}
		}
	}
	return ""
}

func TestVisible(t *testing.T) {
	for text, want := range map[string]string{
		"plain\ttext\n":      "plain\ttext\n",
		"é 😀 \u200d":         "é 😀 \u200d",
		"\x1b[31m":           `\u001b[31m`,
		"\u009b\u202e\u2028": `\u009b\u202e\u2028`,
		"a\rb\x7f":           `a\u000db\u007f`,
		"\U000e0001":         `\udb40\udc01`,
		"\x9b31m\xc3":        "\ufffd31m\ufffd",
		red + "x" + plain:    red + "x" + plain,
	} {
		if got := visible(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestFlatJSON(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":"b\\n\"\/"}`:                   "b\\n\"/",
		`{"a":"b\nc\u000ad\u000De\t\u0007"}`: `b\nc\u000ad\u000De\t\u0007`,
		`{"a":"\u00e9\ud83d\ude00"}`:         "é😀",
		"{\"a\":\"\u009b\"}":                 `\u009b`,
	} {
		var got struct{ A string }
		if err := json.Unmarshal(flatJSON(json.RawMessage(text)), &got); err != nil || got.A != want {
			t.Errorf("%s: %q, %v, want %q", text, got.A, err, want)
		}
	}
}

// A name in a hint is one word of the shell, whatever is in it.
func TestHintsAreSafeToPaste(t *testing.T) {
	for name, want := range map[string]string{
		"foo-1.example.org": "receptorctl doctor foo-1.example.org",
		"":                  "receptorctl doctor ''",
		"a b":               "receptorctl doctor 'a b'",
		"x; rm -rf ~":       "receptorctl doctor 'x; rm -rf ~'",
		"$(id)'`id`":        `receptorctl doctor '$(id)'\''` + "`id`'",
		"ä<b>":              "receptorctl doctor 'ä<b>'",
	} {
		if got := (settings{}).command("doctor", name); got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
}

// What far nodes call themselves and say does nothing to a terminal.
func TestHostileNodesSteerNothing(t *testing.T) {
	quoted, err := json.Marshal(evil)
	if err != nil {
		t.Fatal(err)
	}
	q := string(quoted)
	status := `{"NodeID":` + q + `,"Version":` + q + `,"SystemCPUCount":1,"SystemMemoryMiB":1,"Connections":[{"NodeID":` + q + `,"Cost":1}],
		"KnownConnectionCosts":{` + q + `:{` + q + `:1}},"RoutingTable":{` + q + `:` + q + `},"Odd":` + q + `,
		"Advertisements":[{"NodeID":` + q + `,"Service":` + q + `,"Time":"2026-01-01T00:00:00Z","ConnType":1,"Tags":{` + q + `:` + q + `},
		"WorkCommands":[{"WorkType":` + q + `,"Secure":false}]}]}`
	status = strings.Join(strings.Fields(status), " ")
	events := answer{text: `{"sequence":"1","time":"2026-01-01T00:00:00Z","link_down":{"neighbour":` + q + `,"reason":` + q + `}}` + "\n", hangUp: true}
	f := startFake(t, script{
		"status": {says(status)},
		`{"command":"status","requested_fields":["Links"]}`: {says(`{"Links":[{"backend":` + q + `,"neighbour":` + q + `,"state":"LINK_STATE_ESTABLISHED"}]}`)},
		`traceroute x`: {says(`{"0":{"From":` + q + `,"Time":1,"TimeStr":` + q + `},"1":{"From":` + q + `,"Error":` + q + `,"TimeStr":"1ms"}}`)},
		`ping x`:       {says(`{"Success":true,"From":` + q + `,"Time":1,"TimeStr":"1ms"}`), says(`{"Success":false,"Error":` + q + `}`)},
		askEvents:      {events, events},
		`reload`:       {says("ERROR: \x1b[2J\x9b\xff[31m\u202e")},
		fmt.Sprintf(`{"command": "work", "subcommand": "list", "detail": "brief", "limit": %d}`, tablePage): {says(`{` + q + `:{"Detail":` + q + `,"State":1,"StateName":"Running","WorkType":` + q + `}}`)},
		`work list`: {says(`{` + q + `:{"Detail":` + q + `,"ExtraData":{"RemoteNode":` + q + `},"State":1,"StateName":"Running","StdoutSize":1,"WorkType":` + q + `}}`)},
	})
	for _, args := range [][]string{
		{"status"}, {"status", "--json"}, {"status", "--long"}, {"traceroute", "x"}, {"traceroute", "--hops", "x"},
		{"ping", "x", "--count", "2", "--delay", "0"}, {"events"}, {"events", "--json"}, {"reload"}, {"work", "list", "--table"}, {"work", "list"},
	} {
		got := f.ctl(t, args...)
		if all := got.out + "\n" + got.err; !strings.Contains(all, `u001b`) && !strings.Contains(all, `x1b`) {
			t.Errorf("%v shows nothing of it: %q", args, all)
		} else if what := steers(all); what != "" {
			t.Errorf("%v lets %s out:\n%q", args, what, all)
		}
	}
}

// What far nodes call themselves is cut for people, and whole for programs; two that
// begin alike stay apart.
func TestLongNamesAreCut(t *testing.T) {
	long := strings.Repeat("é", 2000)
	one, two := long+"1", long+"2"
	status := `{"NodeID":"foo","Connections":[{"NodeID":"ONE","Cost":1},{"NodeID":"TWO","Cost":1}],
		"KnownConnectionCosts":{"foo":{"ONE":1,"TWO":1},"ONE":{"foo":1},"TWO":{"foo":1}},"RoutingTable":{"ONE":"ONE","TWO":"TWO"},
		"Odd":["ONE","TWO"],"Advertisements":[{"NodeID":"ONE","Service":"TWO","Time":"2026-01-01T00:00:00Z","ConnType":1,"Tags":{"ONE":"TWO"},
		"WorkCommands":[{"WorkType":"ONE","Secure":false},{"WorkType":"TWO","Secure":false}]}]}`
	tree := `{"actor":{"path":"node","children":[{"path":"node/ONE"},{"path":"node/TWO","children":[{"path":"node/TWO/x"}]}]}}`
	events := answer{text: `{"sequence":"1","time":"2026-01-01T00:00:00Z","routes_changed":{"reachable":["ONE","TWO"]}}` + "\n", hangUp: true}
	with := func(text string) string {
		return strings.NewReplacer("ONE", one, "TWO", two, "\n", "", "\t", "").Replace(text)
	}
	events.text = with(events.text) + "\n"
	f := startFake(t, script{
		"status": {says(with(status))},
		`{"command":"status","requested_fields":["Links"]}`: {says(with(`{"Links":[{"backend":"ONE","neighbour":"TWO"}]}`))},
		`traceroute x`: {says(with(`{"0":{"From":"ONE","Time":1,"TimeStr":"1ms"},"1":{"From":"TWO","Error":"no way","TimeStr":"1ms"}}`))},
		`ping x`:       {says(with(`{"Success":true,"From":"ONE","Time":1,"TimeStr":"1ms"}`)), says(with(`{"Success":false,"Error":"TWO"}`))},
		askEvents:      {events, events},
		`{"command":"tree","detail":true,"path":""}`:                                                        {says(with(tree))},
		fmt.Sprintf(`{"command": "work", "subcommand": "list", "detail": "brief", "limit": %d}`, tablePage): {says(with(`{"u":{"Node":"ONE","WorkType":"TWO","State":1,"StateName":"Running"}}`))},
	})
	for _, args := range [][]string{
		{"status"}, {"status", "--long"}, {"traceroute", "x"}, {"traceroute", "--hops", "x"}, {"ping", "x", "--count", "2", "--delay", "0"},
		{"events"}, {"tree", "--long"}, {"work", "list", "--table"},
	} {
		got := f.ctl(t, args...)
		all := got.out + got.err
		for line := range strings.Lines(all) {
			if len(line) > 2000 {
				t.Errorf("%v has a line of %d bytes: %.300s", args, len(line), line)
			}
		}
		for _, name := range []string{one, two} {
			if mark := cut.Mark([]byte(name)); !strings.Contains(all, mark) {
				t.Errorf("%v does not show %s:\n%s", args, mark, all)
			}
		}
	}
	for _, args := range [][]string{{"status", "--json"}, {"status", "--long", "--json"}, {"events", "--json"}, {"tree", "--long", "--json"}} {
		got := strings.ReplaceAll(f.ctl(t, args...).out, `\u00e9`, "é")
		if !strings.Contains(got, `"`+one) && !strings.Contains(got, "/"+one) || strings.Contains(got, "…") {
			t.Errorf("%v is not whole: %.300s", args, got)
		}
	}
}

// seen is a colour as the terminal gets it.
func seen(colour string) string { return strings.ReplaceAll(colour, mark, "\x1b") }
