package config

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// versionKey is the one key of the map form that is no action: it says which
// version of the format this is, and there is one.
const versionKey = "version"

// sections turns the map form into items, in the order of the table: the order of
// keys means nothing. What the existing system passes over in silence is a warning,
// because documented files have it.
func (s *source) sections(doc map[string]any, root *place) {
	if root != nil {
		for _, r := range root.repeated {
			s.wrong(r.at, fmt.Errorf("%s is there twice, first in line %d", r.key, r.first.line))
		}
	}
	named := make(map[*action][]string)
	for _, key := range slices.Sorted(maps.Keys(doc)) {
		switch a := findSection(key); {
		case a != nil:
			named[a] = append(named[a], key)
		case !strings.EqualFold(key, versionKey):
			s.doubt(root.field(key), "unknown section %s is passed over%s", key, didYouMean(key, sectionNames()))
		}
	}
	for i := range table {
		for n, key := range named[&table[i]] {
			at := root.field(key)
			if n > 0 && table[i].is&singleton != 0 {
				s.wrong(at, onlyOnce(&table[i]))
				continue
			}
			s.section(&table[i], key, doc[key], at)
		}
	}
}

// section reads what stands under the name of an action.
func (s *source) section(a *action, name string, v any, at *place) {
	switch v := v.(type) {
	case nil:
		if a.isSwitch() || !a.repeatable() {
			s.mapped(a, name, nil, at)
		}
	case map[string]any:
		s.mapped(a, name, v, at)
	case []any:
		if !a.repeatable() {
			s.wrong(at, fmt.Errorf("%s is a map of parameters, not a list: there is one %[1]s only", name))
			return
		}
		for i, entry := range v {
			s.sectionEntry(a, name, entry, at.entry(i))
		}
	case bool:
		if !a.isSwitch() {
			s.wrong(at, notAMap(a, name, v))
		} else if v {
			s.mapped(a, name, nil, at)
		}
	default:
		s.wrong(at, notAMap(a, name, v))
	}
}

func (s *source) sectionEntry(a *action, name string, v any, at *place) {
	params, ok := v.(map[string]any)
	if !ok && v != nil {
		s.wrong(at, notAMap(a, name, v))
		return
	}
	if len(params) == 0 {
		s.doubt(at, "an empty entry of %s has no effect", name)
		return
	}
	s.mapped(a, name, params, at)
}

// mapped makes an item of a map of parameters, unless nothing counts that is in it.
func (s *source) mapped(a *action, name string, params map[string]any, at *place) {
	it := s.item(a, name, at)
	it.mapped = true
	s.repeated(at, name)
	for _, key := range slices.Sorted(maps.Keys(params)) {
		s.mappedParameter(it, key, params[key])
	}
	missing := it.complete()
	if missing == nil && it.nothing() && !it.broken && !a.isSwitch() {
		if a.name == "local-only" {
			s.doubt(at, "%s has no effect: in a map, write {local: true} after it", name)
		}
		return
	}
	s.wrong(at, missing)
	s.items = append(s.items, it)
}

func (s *source) mappedParameter(it *item, key string, v any) {
	at := it.at.field(key)
	p := it.action.param(key)
	switch {
	case p == nil:
		s.doubt(at, "unknown parameter %s of %s is passed over%s", key, it.name, didYouMean(key, it.action.paramNames()))
	case it.given[p]:
		s.wrong(at, fmt.Errorf("error setting field %s in command %s: given twice", key, it.name))
	default:
		if v = loose(p.at(it.value), v, at); v != nil {
			s.field(it, p, v, at)
		}
	}
}

// loose is a value of the map form as the list form would have it; nil when it
// stands for the default.
func loose(target, v any, at *place) any {
	if v == "" {
		return nil
	}
	switch v := v.(type) {
	case json.Number:
		return looseNumber(target, v)
	case bool:
		if _, ok := target.(*string); ok && at != nil && at.text != "" {
			return at.text // as it is written, such as yes
		}
	case string:
		if _, ok := target.(*[]string); ok && !strings.HasPrefix(v, "[") {
			return split(v)
		}
	case map[string]any:
		if _, ok := target.(*[]any); ok {
			return []any{v}
		}
	}
	return v
}

// looseNumber takes 0 and 1 for a boolean, and 0 for the default where it can't be
// meant: costs are positive, and a socket that nobody may use is of no use.
func looseNumber(target any, n json.Number) any {
	switch target.(type) {
	case *bool:
		if n == "0" || n == "1" {
			return n == "1"
		}
	case *float64, *fs.FileMode:
		if n == "0" {
			return nil
		}
	}
	return n
}

// split makes a list of a text with commas.
func split(text string) []any {
	var list []any
	for word := range strings.SplitSeq(text, ",") {
		list = append(list, word)
	}
	return list
}

func notAMap(a *action, name string, v any) error {
	kind := "number"
	switch v.(type) {
	case string:
		kind = "string"
	case bool:
		kind = "bool"
	case []any:
		kind = "list"
	}
	hint := ""
	if len(a.params) > 0 {
		p := a.bareParam()
		if p == nil {
			p = &a.params[0]
		}
		hint = fmt.Sprintf(": write {%s: ...}", p.name)
	}
	return fmt.Errorf("'%s' expected a map, got '%s'%s", name, kind, hint)
}
