package config

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
)

// example is the action's example as an item, or nil. A test proves that all of
// them are right.
func (a *action) example() *item {
	words := examples[a.name]
	if words == nil {
		return nil
	}
	p := &parser{}
	for len(words) > 0 {
		words = p.step(words)
	}
	if p.finish(); len(p.errs) > 0 || len(p.items) != 1 {
		return nil
	}
	return p.items[0]
}

// commandLine is the item as a shell takes it.
func (it *item) commandLine() string {
	words := []string{"--" + it.action.name}
	for _, p := range it.givenParams() {
		words = append(words, p.name+"="+quotedValue(written(p.at(it.value))))
	}
	return strings.Join(words, " ")
}

func quotedValue(text string) string {
	if text == "" {
		return ""
	}
	return quoted(text)
}

// givenParams are in the order of the table.
func (it *item) givenParams() []*param {
	var all []*param
	for i := range it.action.params {
		if p := &it.action.params[i]; it.given[p] {
			all = append(all, p)
		}
	}
	return all
}

// listYAML is the item in the list form.
func (it *item) listYAML() string {
	if len(it.given) == 0 {
		return "- " + it.action.name + "\n"
	}
	return "- " + it.action.name + ":\n" + it.paramsYAML("    ", "    ")
}

// mapYAML is the item in the map form.
func (it *item) mapYAML() string {
	head := it.action.sectionName() + ":"
	switch {
	case len(it.given) == 0:
		return head + " {}\n"
	case it.action.repeatable():
		return head + "\n" + it.paramsYAML("  - ", "    ")
	}
	return head + "\n" + it.paramsYAML("  ", "  ")
}

func (it *item) paramsYAML(first, indent string) string {
	var b strings.Builder
	for _, p := range it.givenParams() {
		fmt.Fprintf(&b, "%s%s: %s\n", first, p.name, yamlValue(p.at(it.value)))
		first = indent
	}
	return b.String()
}

// plainScalar is text that YAML takes for text without quotes.
var plainScalar = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9_./-]*(:[A-Za-z0-9/]+)*( [A-Za-z-]+)*$`)

func yamlValue(at any) string {
	switch v := at.(type) {
	case *string:
		if plainScalar.MatchString(*v) && !looksBoolean(*v) {
			return *v
		}
	case *fs.FileMode:
		return fmt.Sprintf("%#o", uint32(*v))
	case *map[string]float64, *map[string]any, *[]string, *[]any:
		return spaced(at)
	}
	return spaced(at)
}

func looksBoolean(text string) bool {
	switch strings.ToLower(text) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null":
		return true
	}
	return false
}

// spaced is JSON with blanks after colons and commas, which is YAML too.
func spaced(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(v); err != nil {
		return "null"
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	for i := range lines {
		lines[i] = strings.TrimLeft(lines[i], " ")
	}
	text := strings.Join(lines, " ")
	for _, bracket := range []string{"{", "["} {
		text = strings.ReplaceAll(text, bracket+" ", bracket)
	}
	for _, bracket := range []string{"}", "]"} {
		text = strings.ReplaceAll(text, " "+bracket, bracket)
	}
	return text
}
