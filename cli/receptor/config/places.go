package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"
)

// place is where a value of a file stands. Lines and columns count from 1; a nil
// place is one that can't be told.
type place struct {
	line, column int
	text         string            // a scalar as it is written
	fields       map[string]*place // of a map, by key: what belongs to the key stands at the key
	list         []*place          // of a list
	repeated     []repetition      // keys of a map that are there before
}

// repetition is a key that a map has twice.
type repetition struct {
	key   string
	at    *place
	first *place
}

// field is the place of what belongs to a key: the nearest that is known.
func (p *place) field(key string) *place {
	if p == nil {
		return nil
	}
	if f := p.fields[key]; f != nil {
		return f
	}
	return p
}

// entry is the place of an entry of a list.
func (p *place) entry(i int) *place {
	if p == nil || i >= len(p.list) {
		return p
	}
	return p.list[i]
}

// readPlaces finds where everything in the first document stands, and whether
// there is another one with something in it. The library that reads the values
// does not tell; what this one can't read has no places.
func readPlaces(data []byte) (root *place, more bool) {
	d := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	if err := d.Decode(&first); err != nil || len(first.Content) == 0 {
		return nil, false
	}
	s := surveyor{seen: make(map[*yaml.Node]*place)}
	err := d.Decode(&second)
	more = !errors.Is(err, io.EOF) && len(second.Content) > 0 && second.Content[0].ShortTag() != "!!null"
	return s.survey(first.Content[0]), more
}

// surveyor makes places of nodes, one of each: aliases share what they stand for.
type surveyor struct {
	seen map[*yaml.Node]*place
}

func (s surveyor) survey(n *yaml.Node) *place {
	if p, ok := s.seen[n]; ok {
		return p
	}
	p := &place{line: n.Line, column: n.Column, text: n.Value}
	s.seen[n] = p
	switch n.Kind {
	case yaml.AliasNode:
		s.follow(p, n.Alias)
	case yaml.SequenceNode:
		for _, entry := range n.Content {
			p.list = append(p.list, s.survey(entry))
		}
	case yaml.MappingNode:
		s.surveyMap(p, n.Content)
	}
	return p
}

// follow gives an alias what it stands for, at its own place.
func (s surveyor) follow(p *place, target *yaml.Node) {
	if target == nil {
		return
	}
	t := s.survey(target)
	p.text, p.fields, p.list = t.text, t.fields, t.list
}

func (s surveyor) surveyMap(p *place, content []*yaml.Node) {
	p.fields = make(map[string]*place, len(content)/2)
	var merged []*yaml.Node
	for i := 0; i+1 < len(content); i += 2 {
		key, value := content[i], content[i+1]
		if key.ShortTag() == "!!merge" {
			merged = append(merged, value)
			continue
		}
		f := *s.survey(value)
		f.line, f.column = key.Line, key.Column
		if first := p.fields[key.Value]; first != nil {
			p.repeated = append(p.repeated, repetition{key.Value, &f, first})
		}
		p.fields[key.Value] = &f
	}
	for _, value := range merged {
		s.merge(p, value)
	}
}

// merge adds the keys that "<<" brings and the map has not.
func (s surveyor) merge(p *place, value *yaml.Node) {
	if value.Kind == yaml.SequenceNode {
		for _, entry := range value.Content {
			s.merge(p, entry)
		}
		return
	}
	for key, f := range s.survey(value).fields {
		if p.fields[key] == nil {
			p.fields[key] = f
		}
	}
}

// sameKeys refuses a map whose keys were no text to YAML: a node that is called n
// would have the costs of one called false.
func (p *place) sameKeys(v any) error {
	m, ok := v.(map[string]any)
	if !ok || p == nil || p.fields == nil {
		return nil
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if p.fields[key] == nil {
			return fmt.Errorf("a name is read as %s: write it in quotes", key)
		}
	}
	return nil
}

// at is "file:line:column", or what of it is known.
func (p *place) at(file string) string {
	if p == nil || p.line == 0 {
		return "in " + file
	}
	if p.column == 0 {
		return fmt.Sprintf("%s:%d", file, p.line)
	}
	return fmt.Sprintf("%s:%d:%d", file, p.line, p.column)
}
