package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

const briefList = `{"aaaa1111":{"Created":"2026-11-22T08:00:00Z","Detail":"Running: PID 7","Node":"bar","State":1,"StateName":"Running","StdoutSize":2048,"WorkType":"cat"},` +
	`"bbbb2222":{"Created":"2026-11-22T08:59:30.5Z","Detail":"exit status 3:\n oops","Node":"foo","State":3,"StateName":"Failed","StdoutSize":0,"WorkType":"sha256sum"}}`

const tableWant = `UNIT ID   TYPE       NODE  STATE    AGE   OUTPUT   DETAIL
bbbb2222  sha256sum  foo   Failed   30s   0 B      exit status 3: oops
aaaa1111  cat        bar   Running  1h0m  2.0 KiB  Running: PID 7
`

func TestUnitTable(t *testing.T) {
	units, err := readListed(json.RawMessage(briefList), "foo")
	if err != nil {
		t.Fatal(err)
	}
	units[0], units[1] = units[1], units[0]
	tool := &tool{console: console{out: &strings.Builder{}}}
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	t.Setenv("COLUMNS", "")
	if got := tool.unitTable(units, now); got != tableWant {
		t.Errorf("got\n%s\nwant\n%s", got, tableWant)
	}
	t.Setenv("COLUMNS", "60")
	units[0].detail = strings.Repeat("long ", 20)
	if got := tool.unitTable(units, now); !strings.Contains(got, "long long long long…\n") {
		t.Errorf("got\n%s", got)
	}
}

// Nodes that can't be brief, or don't know how old their units are.
func TestUnitTableOfAnOlderNode(t *testing.T) {
	const full = `{"u":{"Detail":"x","ExtraData":{"RemoteNode":"bar","RemoteWorkType":"cat"},"State":2,"StateName":"Succeeded","StdoutSize":3,"WorkType":"remote"},` +
		`"v":{"Detail":"y","Node":"foo","State":0,"StateName":"Pending","StdoutSize":0,"WorkType":"sh"}}`
	units, err := readListed(json.RawMessage(full), "foo")
	if err != nil || len(units) != 2 {
		t.Fatal(units, err)
	}
	if u := units[0]; u.node != "bar" || u.workType != "cat" || !u.created.IsZero() {
		t.Errorf("got %+v", u)
	}
	if u := units[1]; u.node != "foo" || u.workType != "sh" || !u.created.IsZero() {
		t.Errorf("got %+v", u)
	}
}

func TestListIsATableOnATerminalAndJSONElsewhere(t *testing.T) {
	question := fmt.Sprintf(`{"command": "work", "subcommand": "list", "detail": "brief", "limit": %d}`, tablePage)
	node := startFake(t, script{
		question:    {says(briefList)},
		"work list": {says(`{"u":{"Detail":"","ExtraData":null,"State":2,"StateName":"Succeeded","StdoutSize":3,"WorkType":"cat"}}`)},
	})
	term := onTerminal(t, nil, "--socket", node.path, "work", "list")
	term.expect("UNIT ID   TYPE", "sha256sum  foo   "+seen(red)+"Failed"+seen(plain), "aaaa1111")
	term.exits(0)
	if strings.Index(term.seen(), "aaaa1111") < strings.Index(term.seen(), "bbbb2222") {
		t.Errorf("the newest unit is not the first:\n%s", term.seen())
	}
	term = onTerminal(t, nil, "--socket", node.path, "work", "list", "--json")
	term.expect(`"StateName": "Succeeded"`)
	term.exits(0)
	if got := node.ctl(t, "work", "list"); !json.Valid([]byte(got.out)) || got.code != 0 {
		t.Errorf("got %+v", got)
	}
	if got := node.ctl(t, "work", "list", "--table"); !strings.HasPrefix(got.out, "UNIT ID ") || strings.Contains(got.out, "\x1b") || got.code != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestTableOfManyPages(t *testing.T) {
	page := func(from, n int) answer {
		var units []string
		for i := range n {
			units = append(units, fmt.Sprintf(`"u%05d":{"Detail":"","Node":"foo","State":2,"StateName":"Succeeded","StdoutSize":0,"WorkType":"cat"}`, from+i))
		}
		return says("{" + strings.Join(units, ",") + "}")
	}
	ask := func(after string, limit int) string {
		if after != "" {
			after = `"after": "` + after + `", `
		}
		return fmt.Sprintf(`{"command": "work", "subcommand": "list", %s"detail": "brief", "limit": %d}`, after, limit)
	}
	node := startFake(t, script{
		ask("", 1000): {page(0, 1000)}, ask("u00999", 1000): {page(1000, 7)}, ask("u00999", 5): {page(1000, 5)},
	})
	for wanted, options := range map[int][]string{1007: nil, 1005: {"--limit", "1005"}} {
		got := node.ctl(t, append([]string{"work", "list", "--table"}, options...)...)
		if lines := strings.Count(got.out, "\n"); lines != wanted+1 || got.code != 0 {
			t.Errorf("%q: %d lines, exit %d, %q", options, lines, got.code, got.err)
		}
	}
}
