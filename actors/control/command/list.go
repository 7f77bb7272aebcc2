package command

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	workv1 "receptor/proto/work/v1"
)

func lineList(words []string) (Request, error) {
	if len(words) == 0 {
		return ListUnits{}, nil
	}
	return ListUnits{Unit: words[0]}, nil
}

// listMembers is the table of what a list can be narrowed by. A page ends at limit;
// the next one begins after the last ID of this one, and the last page is shorter.
var listMembers = map[string]func(r *ListUnits, o object) error{
	"state":    func(r *ListUnits, o object) error { return readStates(&r.States, o) },
	"worktype": func(r *ListUnits, o object) error { return o.word("worktype", &r.WorkType) },
	"node":     func(r *ListUnits, o object) error { return o.word("node", &r.Node) },
	"after":    func(r *ListUnits, o object) error { return o.word("after", &r.After) },
	"limit":    func(r *ListUnits, o object) error { return readLimit(&r.Limit, o) },
	"detail":   func(r *ListUnits, o object) error { return readDetail(&r.Brief, o) },
}

func jsonList(o object) (Request, error) {
	r := ListUnits{Unit: o.optional("unitid")}
	for _, name := range slices.Sorted(maps.Keys(o)) {
		switch name {
		case "command", "subcommand", "unitid", "signature":
			continue
		}
		read, ok := listMembers[name]
		if !ok {
			return nil, fmt.Errorf("work list can't be narrowed by %s, only by %s", name,
				strings.Join(slices.Sorted(maps.Keys(listMembers)), ", "))
		}
		if r.Unit != "" {
			return nil, fmt.Errorf("work list takes a unit ID or %s, not both", name)
		}
		if err := read(&r, o); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// word reads a string member that may be empty.
func (o object) word(name string, into *string) error {
	s, state := o.text(name)
	if state == otherType {
		return fmt.Errorf("field %s must be a string", name)
	}
	*into = s
	return nil
}

// readStates reads names of states, separated by commas, in any letter case.
func readStates(into *[]workv1.State, o object) error {
	var names string
	if err := o.word("state", &names); err != nil || names == "" {
		return err
	}
	for name := range strings.SplitSeq(names, ",") {
		name = strings.TrimSpace(name)
		i := slices.IndexFunc(stateNames[:], func(known string) bool { return strings.EqualFold(known, name) })
		if i < 0 {
			return fmt.Errorf("unknown state %q: units are %s", name, strings.Join(stateNames[:], ", "))
		}
		*into = append(*into, workv1.State(i)) //nolint:gosec // an index of five names
	}
	return nil
}

func readLimit(into *int, o object) error {
	n, err := o.offset("limit")
	if err != nil {
		return err
	}
	if n < 1 || n > math.MaxInt32 {
		return errors.New("field limit must be at least 1, and fit in 31 bits")
	}
	*into = int(n)
	return nil
}

func readDetail(into *bool, o object) error {
	var word string
	if err := o.word("detail", &word); err != nil {
		return err
	}
	switch word {
	case "", "full":
	case "brief":
		*into = true
	default:
		return fmt.Errorf("unknown detail %q: it is full or brief", word)
	}
	return nil
}
