package client

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// List asks for units of work; empty fields let all pass. The answer is an object of
// unit ID to status, in the order of IDs.
type List struct {
	Unit     string // that one, and nothing else may be set
	State    string // names of states, separated by commas
	WorkType string // for remote units also the type on the other node
	Node     string // where the work is done
	After    string // only units whose IDs come after this one
	Limit    int    // at most that many; 0 for all
	Brief    bool   // less of each unit, and when it was made; nodes that can't do that say all
}

func (l List) narrows() bool {
	l.Unit = ""
	return l != List{}
}

// line is the plain command where it will do: every node knows that one.
func (l List) line() (string, error) {
	if l.Unit != "" {
		return Line("work", "list", l.Unit)
	}
	if !l.narrows() {
		return "work list", nil
	}
	members := []Param{{"command", "work"}, {"subcommand", "list"}}
	for _, m := range []Param{
		{"state", l.State}, {"worktype", l.WorkType}, {"node", l.Node}, {"after", l.After},
	} {
		if m.Value != "" {
			members = append(members, m)
		}
	}
	if l.Brief {
		members = append(members, Param{"detail", "brief"})
	}
	text, err := object(members)
	if l.Limit > 0 {
		text = strings.TrimSuffix(text, "}") + `, "limit": ` + strconv.Itoa(l.Limit) + "}"
	}
	return text, err
}

// List sends the question. Nodes that don't know how to narrow a list send all
// units, so what comes is narrowed once more.
func (s *Session) List(l List) (json.RawMessage, error) {
	line, err := l.line()
	if err != nil {
		return nil, err
	}
	reply, err := s.Command(line)
	if err != nil || !l.narrows() || l.Unit != "" {
		return reply, err
	}
	return l.narrow(reply, s.node)
}

func (l List) narrow(reply json.RawMessage, self string) (json.RawMessage, error) {
	var units map[string]json.RawMessage
	if err := json.Unmarshal(reply, &units); err != nil {
		return nil, fmt.Errorf("read list of units: %w", err)
	}
	var passed []string
	for _, id := range slices.Sorted(maps.Keys(units)) {
		if id > l.After && l.passes(units[id], self) {
			passed = append(passed, id)
		}
	}
	if l.Limit > 0 && len(passed) > l.Limit {
		passed = passed[:l.Limit]
	}
	narrowed := make(map[string]json.RawMessage, len(passed))
	for _, id := range passed {
		narrowed[id] = units[id]
	}
	return json.Marshal(narrowed) // in the order of IDs
}

func (l List) passes(status json.RawMessage, self string) bool {
	var s struct {
		StateName, WorkType string
		Node                string // in brief: the node can do that, and has narrowed the list
		ExtraData           json.RawMessage
	}
	if err := json.Unmarshal(status, &s); err != nil || s.Node != "" {
		return err == nil
	}
	var far struct{ RemoteNode, RemoteWorkType string }
	if json.Unmarshal(s.ExtraData, &far) != nil {
		far.RemoteNode, far.RemoteWorkType = "", "" // other units have other data there
	}
	node := l.Node
	if strings.EqualFold(node, "localhost") {
		node = self
	}
	return (l.State == "" || slices.ContainsFunc(strings.Split(l.State, ","), func(name string) bool {
		return strings.EqualFold(strings.TrimSpace(name), s.StateName)
	})) &&
		(l.WorkType == "" || l.WorkType == s.WorkType || l.WorkType == far.RemoteWorkType) &&
		(node == "" || node == cmp.Or(far.RemoteNode, self))
}
