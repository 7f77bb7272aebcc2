package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"

	"receptor/cli/receptorctl/client"
)

// tablePage is how many units are asked for at a time.
const tablePage = 1000

// listTable asks for all pages, and prints one table.
func (t *tool) listTable(s *client.Session, question client.List) error {
	question.Brief = true
	wanted := question.Limit
	var units []listedUnit
	for {
		question.Limit = tablePage
		if wanted > 0 {
			question.Limit = min(tablePage, wanted-len(units))
		}
		reply, err := s.List(question)
		if err != nil {
			return err
		}
		page, err := readListed(reply, s.Node())
		if err != nil {
			return err
		}
		units = append(units, page...)
		if len(page) < question.Limit || len(units) == wanted {
			break
		}
		question.After = page[len(page)-1].id
	}
	if wanted == 0 && question.After == "" {
		slices.SortStableFunc(units, newestFirst)
	}
	return t.print(t.unitTable(units, time.Now()))
}

// listedUnit is one line of the table.
type listedUnit struct {
	id, workType, node, state, detail string
	size                              int64
	created                           time.Time // zero if the node does not say
}

// readListed understands brief answers and full ones. self is the node that was asked.
func readListed(reply json.RawMessage, self string) ([]listedUnit, error) {
	var units members[struct {
		unitStatus
		Created time.Time
		Node    string
	}]
	if err := json.Unmarshal(reply, &units); err != nil {
		return nil, fmt.Errorf("read list of units: %w", err)
	}
	list := make([]listedUnit, len(units))
	for i, u := range units {
		var far struct{ RemoteNode, RemoteWorkType string }
		if json.Unmarshal(u.value.ExtraData, &far) != nil {
			far.RemoteNode, far.RemoteWorkType = "", ""
		}
		list[i] = listedUnit{
			id: u.name, state: u.value.StateName, detail: visible(strings.Join(strings.Fields(u.value.Detail), " ")),
			workType: cmp.Or(far.RemoteWorkType, u.value.WorkType), node: cmp.Or(u.value.Node, far.RemoteNode, self),
			size: u.value.StdoutSize, created: u.value.Created,
		}
	}
	return list, nil
}

func newestFirst(a, b listedUnit) int { return b.created.Compare(a.created) }

var stateColours = map[string]string{"Running": yellow, "Succeeded": green, "Failed": red, "Canceled": magenta}

// unitTable has as much of the details as a line of the terminal has room for.
func (t *tool) unitTable(units []listedUnit, now time.Time) string {
	rows := [][]string{{"UNIT ID", "TYPE", "NODE", "STATE", "AGE", "OUTPUT"}}
	for _, u := range units {
		old := "-"
		if !u.created.IsZero() {
			old = age(now.Sub(u.created))
		}
		rows = append(rows, []string{name(u.id), name(u.workType), name(u.node), name(u.state), old, sizeText(u.size)})
	}
	var w [6]int
	for _, r := range rows {
		for i, cell := range r {
			w[i] = max(w[i], len([]rune(cell)))
		}
	}
	room := t.columns() - len(w)*2
	for _, width := range w {
		room -= width
	}
	var b strings.Builder
	for i, r := range rows {
		detail := "DETAIL"
		if i > 0 {
			detail = units[i-1].detail
		}
		for column, cell := range r {
			padding := strings.Repeat(" ", w[column]-len([]rune(cell))+2)
			b.WriteString(paint(t.out, stateColours[cell], cell) + padding)
		}
		b.WriteString(shorten(detail, room) + "\n")
	}
	return b.String()
}

// columns is the width of the terminal; elsewhere lines may be as long as they are.
func (t *tool) columns() int {
	if isTerminal(t.out) {
		if columns, _, err := term.GetSize(int(t.out.(*os.File).Fd())); err == nil && columns > 0 {
			return columns
		}
	}
	if columns, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && columns > 0 {
		return columns
	}
	return 1 << 16
}

// shorten cuts text that is too long, and shows that; but never to nothing.
func shorten(text string, room int) string {
	room = max(room, 20)
	if letters := []rune(text); len(letters) > room {
		return string(letters[:room-1]) + "…"
	}
	return text
}
