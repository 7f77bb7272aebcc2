package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"sigs.k8s.io/yaml"
)

// source is a file that is being read.
type source struct {
	problems
	file  string
	items []*item
}

// load reads the items of a file, in the list form or in the map form.
func (s *source) load(read func(string) ([]byte, error)) {
	data, err := read(s.file)
	if err != nil {
		s.add(err) // names the file
		return
	}
	doc, err := decode(data)
	if err != nil {
		s.wrong(lineIn(err), fmt.Errorf("%w%s", err, otherFormat(s.file)))
		return
	}
	root, more := readPlaces(data)
	if more {
		s.warn("only the first document of %s is read", s.file)
	}
	switch doc := doc.(type) {
	case nil:
	case []any:
		s.list(doc, root)
	case map[string]any:
		s.sections(doc, root)
	default:
		s.wrong(root, errors.New(`the top level is a single value; write a list of actions, such as "- node:", or a map of them`))
	}
}

// wrong adds an error that belongs to a place of the file.
func (s *source) wrong(at *place, err error) {
	if err != nil {
		s.add(fmt.Errorf("%w (%s)", err, at.at(s.file)))
	}
}

// doubt adds a warning that belongs to a place of the file.
func (s *source) doubt(at *place, format string, values ...any) {
	s.warn("%s (%s)", fmt.Sprintf(format, values...), at.at(s.file))
}

// decode reads the first document. Numbers stay text: an ID may look like one.
func decode(data []byte) (any, error) {
	if err := checkText(data); err != nil {
		return nil, err
	}
	text, err := yaml.YAMLToJSON(data)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var doc any
	if err := d.Decode(&doc); err != nil {
		return nil, err
	}
	return doc, nil
}

// lineIn is the place that the text of a YAML error tells.
func lineIn(err error) *place {
	_, after, found := strings.Cut(err.Error(), "line ")
	number, _, _ := strings.Cut(after, ":")
	line, err := strconv.Atoi(number)
	if !found || err != nil {
		return nil
	}
	return &place{line: line}
}

// checkText says of a file that is no text what the YAML library says in riddles.
// It knows UTF-16 by its mark.
func checkText(data []byte) error {
	if bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff}) {
		return nil
	}
	bad := bytes.IndexByte(data, 0)
	if !utf8.Valid(data) {
		bad = firstInvalid(data)
	}
	if bad < 0 {
		return nil
	}
	return fmt.Errorf("line %d: not text in UTF-8: byte %#02x at offset %d", 1+bytes.Count(data[:bad], []byte("\n")), data[bad], bad)
}

func firstInvalid(data []byte) int {
	at := 0
	for {
		r, size := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && size <= 1 {
			return at
		}
		at += size
	}
}

// otherFormat explains why a file that other programs read is not read here.
func otherFormat(name string) string {
	switch ext := strings.ToLower(filepath.Ext(name)); ext {
	case ".toml", ".ini", ".properties", ".hcl", ".env":
		return fmt.Sprintf("; files are YAML or JSON, %s is not read", ext)
	}
	return ""
}

// list turns the list form into items.
func (s *source) list(list []any, root *place) {
	for i, entry := range list {
		at := root.entry(i)
		it := s.entry(entry, at)
		if it == nil {
			continue
		}
		if it.action.is&singleton != 0 && uses(s.items, it.action) > 0 {
			s.wrong(at, fmt.Errorf("only one %s directive is allowed", it.name))
		}
		s.items = append(s.items, it)
	}
}

// entry reads one entry of the list: a name, or a map of one name to its
// parameters.
func (s *source) entry(entry any, at *place) *item {
	name, params := "", any(nil)
	switch entry := entry.(type) {
	case string:
		name = entry
	case map[string]any:
		if len(entry) != 1 {
			s.wrong(at, errors.New("config format invalid: item has multiple names"+looseParams(entry)))
			return nil
		}
		for name, params = range entry {
		}
		at = at.field(name)
	default:
		s.wrong(at, errors.New("unknown config file format: write an action's name, or its name with parameters"))
		return nil
	}
	a := find(name)
	if a == nil {
		s.wrong(at, fmt.Errorf("could not get config type for command %s: unknown config type %[1]s%s", name, misspeltInFile(name)))
		return nil
	}
	it := s.item(a, name, at)
	s.fill(it, params)
	s.wrong(at, it.complete())
	return it
}

func (s *source) item(a *action, name string, at *place) *item {
	it := newItem(a, name)
	it.file, it.at = s.file, at
	return it
}

// looseParams explains a map of an action and its parameters side by side.
func looseParams(entry map[string]any) string {
	for _, name := range slices.Sorted(maps.Keys(entry)) {
		a := find(name)
		if a == nil || entry[name] != nil {
			continue
		}
		for other := range entry {
			if a.param(other) != nil {
				return fmt.Sprintf(": indent the parameters of %s further than its name", name)
			}
		}
	}
	return ""
}

// misspeltInFile hints at what was meant by an unknown action.
func misspeltInFile(name string) string {
	switch strings.ToLower(name) {
	case "config", "help", "check", "schema", "bash-completion":
		return " (only on the command line)"
	}
	var known []string
	for _, w := range words() {
		if find(w) != nil {
			known = append(known, w)
		}
	}
	return didYouMean(name, known)
}

// fill sets the parameters that the list form gives.
func (s *source) fill(it *item, params any) {
	switch params := params.(type) {
	case nil:
	case string:
		p := it.action.bareParam()
		if p == nil {
			s.wrong(it.at, fmt.Errorf("could not get barevalue for command %s: command does not allow bare values", it.name))
			it.broken = true
			return
		}
		s.field(it, p, params, it.at)
	case map[string]any:
		s.repeated(it.at, it.name)
		for _, key := range slices.Sorted(maps.Keys(params)) {
			s.parameter(it, key, params[key])
		}
	default:
		s.wrong(it.at, fmt.Errorf("invalid config format for %s", it.name))
		it.broken = true
	}
}

// parameter sets one parameter of the list form.
func (s *source) parameter(it *item, key string, v any) {
	at := it.at.field(key)
	p := it.action.param(key)
	switch {
	case p == nil:
		s.wrong(at, fmt.Errorf("field %s not defined for command %s: unknown field name %s%s", key, it.name, key, didYouMean(key, it.action.paramNames())))
		it.broken = true
	case it.given[p]:
		s.wrong(at, fmt.Errorf("error setting field %s in command %s: given twice", key, it.name))
	default:
		s.unquoted(it, p, v, at)
		s.field(it, p, v, at)
	}
}

// unquoted warns of a text that YAML takes for a boolean.
func (s *source) unquoted(it *item, p *param, v any, at *place) {
	_, wantsText := p.at(it.value).(*string)
	if value, ok := v.(bool); ok && wantsText && at != nil && at.text != strconv.FormatBool(value) {
		s.doubt(at, "%s of %s is read as %t: write \"%s\" if that is meant", p.name, it.name, value, at.text)
	}
}

func (s *source) field(it *item, p *param, v any, at *place) {
	err := at.sameKeys(v)
	if err == nil {
		err = it.set(p, v, setValue)
	}
	if err != nil {
		it.broken = true
		s.wrong(at, fmt.Errorf("error setting field %s in command %s: %w", p.name, it.name, err))
	}
}

// repeated warns of keys that a map has twice: the last one counts.
func (s *source) repeated(at *place, name string) {
	if at == nil {
		return
	}
	for _, r := range at.repeated {
		s.doubt(r.at, "%s has %s twice, first in line %d: the last one counts", name, r.key, r.first.line)
	}
}
