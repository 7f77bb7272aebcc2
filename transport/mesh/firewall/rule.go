package firewall

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Rule is one rule as it is written. An empty criterion is not compared.
type Rule struct {
	Action      string // accept, reject or drop, in any case
	FromNode    string // a name, or /regular expression/
	ToNode      string
	FromService string
	ToService   string
}

// Read makes rules of a list from a configuration: maps of strings, with keys in
// any case.
func Read(list []any) ([]Rule, error) {
	rules := make([]Rule, len(list))
	for i, entry := range list {
		if err := rules[i].read(entry); err != nil {
			return nil, inRule(i, err)
		}
	}
	return rules, nil
}

func inRule(i int, err error) error { return fmt.Errorf("error in rule %d: %w", i, err) }

func (r *Rule) read(entry any) error {
	values, ok := entry.(map[string]any)
	if !ok {
		return errors.New("invalid firewall rule. it must be a map of strings")
	}
	seen := make(map[string]bool, len(values))
	for _, key := range slices.Sorted(maps.Keys(values)) {
		name := strings.ToLower(key)
		field := r.field(name)
		if field == nil {
			return fmt.Errorf("invalid filewall rule. unknown key: %s", key) // the spelling is known by others
		}
		if seen[name] {
			return fmt.Errorf("invalid firewall rule. %s is given twice", name)
		}
		seen[name] = true
		if *field, ok = values[key].(string); !ok {
			return fmt.Errorf("invalid firewall rule. %s must be a string", name)
		}
	}
	return nil
}

func (r *Rule) field(name string) *string {
	switch name {
	case "action":
		return &r.Action
	case "fromnode":
		return &r.FromNode
	case "tonode":
		return &r.ToNode
	case "fromservice":
		return &r.FromService
	case "toservice":
		return &r.ToService
	}
	return nil
}
