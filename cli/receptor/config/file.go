package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// loadFile reads the items of a file.
func loadFile(name string, read func(string) ([]byte, error)) ([]*item, error) {
	data, err := read(name)
	if err != nil {
		return nil, err // names the file
	}
	doc, err := decode(data)
	if err != nil {
		return nil, fmt.Errorf("%w (in %s)", err, name)
	}
	switch doc := doc.(type) {
	case nil:
		return nil, nil
	case []any:
		return listItems(doc, name, itemLines(data, len(doc)))
	case map[string]any:
		return nil, fmt.Errorf("the top level is a map; write a list of actions, such as \"- node:\" (in %s)", name)
	}
	return nil, fmt.Errorf("the top level is a single value; write a list of actions, such as \"- node:\" (in %s)", name)
}

// decode reads the first document. Numbers stay text: an ID may look like one.
func decode(data []byte) (any, error) {
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

// listItems turns the list into items.
func listItems(list []any, file string, lines []int) ([]*item, error) {
	var items []*item
	for i, entry := range list {
		place := item{file: file}
		if lines != nil {
			place.line = lines[i]
		}
		it, err := listItem(entry)
		if err == nil && it.action.is&singleton != 0 && uses(items, it.action) > 0 {
			err = fmt.Errorf("only one %s directive is allowed", it.name)
		}
		if err != nil {
			return nil, place.located(err)
		}
		it.file, it.line = place.file, place.line
		items = append(items, it)
	}
	return items, nil
}

// listItem reads one entry: a name, or a map of one name to its parameters.
func listItem(entry any) (*item, error) {
	name, params := "", any(nil)
	switch entry := entry.(type) {
	case string:
		name = entry
	case map[string]any:
		if len(entry) != 1 {
			return nil, errors.New("config format invalid: item has multiple names")
		}
		for name, params = range entry {
		}
	default:
		return nil, errors.New("unknown config file format: write an action's name, or its name with parameters")
	}
	a := find(name)
	if a == nil {
		return nil, fmt.Errorf("could not get config type for command %s: unknown config type %[1]s%s", name, misspeltInFile(name))
	}
	it := newItem(a, name)
	if err := it.fill(params); err != nil {
		return nil, err
	}
	return it, it.complete()
}

// misspeltInFile hints at what was meant by an unknown action.
func misspeltInFile(name string) string {
	switch strings.ToLower(name) {
	case "config", "help":
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

// fill sets the parameters that a file gives.
func (it *item) fill(params any) error {
	switch params := params.(type) {
	case nil:
		return nil
	case string:
		p := it.action.bareParam()
		if p == nil {
			return fmt.Errorf("could not get barevalue for command %s: command does not allow bare values", it.name)
		}
		return it.field(p, params)
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(params)) {
			p := it.action.param(key)
			if p == nil {
				return fmt.Errorf("field %s not defined for command %s: unknown field name %s%s", key, it.name, key, didYouMean(key, it.action.paramNames()))
			}
			if it.given[p] {
				return fmt.Errorf("error setting field %s in command %s: given twice", key, it.name)
			}
			if err := it.field(p, params[key]); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("invalid config format for %s", it.name)
}

func (it *item) field(p *param, v any) error {
	if err := it.set(p, v, setValue); err != nil {
		return fmt.Errorf("error setting field %s in command %s: %w", p.name, it.name, err)
	}
	return nil
}

// itemLines finds the line of each entry of a block list, for error texts. The
// YAML library doesn't tell; but the dashes of the outermost list stand in one
// column, and nothing else of the document reaches that far to the left. It
// returns nil when the count is not right: the list is written in another way.
func itemLines(data []byte, want int) []int {
	var lines []int
	column := -1
	number := 0
	for text := range bytes.Lines(bytes.TrimPrefix(data, []byte("\ufeff"))) {
		number++
		line := strings.TrimRight(string(text), " \t\r\n")
		if line == "..." || line == "---" && lines != nil {
			break
		}
		indented := strings.TrimLeft(line, " ")
		if indented != "-" && !strings.HasPrefix(indented, "- ") {
			continue
		}
		if column < 0 {
			column = len(line) - len(indented)
		}
		if len(line)-len(indented) == column {
			lines = append(lines, number)
		}
	}
	if len(lines) != want {
		return nil
	}
	return lines
}
