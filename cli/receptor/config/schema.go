package config

import (
	"encoding/json"
	"io"
	"io/fs"
	"math"
	"slices"
	"strings"
)

// schema is a JSON schema, or a part of one.
type schema = map[string]any

// WriteSchema writes a JSON schema (draft 2020-12) of files, list form and map
// form. Editors take it to complete and check; it says what names and types there
// are, and not what only makes sense together.
func WriteSchema(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(fileSchema())
}

func fileSchema() schema {
	defs := schema{"rule": ruleSchema()}
	sections := schema{versionKey: schema{"description": "Version of the format; without effect.", "type": "integer"}}
	otherNames := schema{}
	entries, anyEntry := schema{}, schema{}
	var lone []string // actions that can stand without parameters
	for i := range table {
		a := &table[i]
		if a.is&hidden != 0 {
			continue
		}
		defs[a.name] = a.listSchema()
		entries[a.name] = ref(a.name)
		anyEntry[anyCase(a.name)] = ref(a.name)
		if len(a.required()) == 0 {
			lone = append(lone, a.name)
		}
		if a.mappable() {
			defs[a.mapDef()] = a.entrySchema()
			sections[a.sectionName()] = a.sectionSchema()
			otherNames[anyCase(a.otherNames()...)] = a.sectionSchema()
		}
	}
	return schema{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"title":   "Configuration of a receptor node",
		"type":    []string{"array", "object", "null"},
		"items": schema{
			"type": []string{"string", "object"}, "pattern": anyCase(lone...), "examples": lone,
			"minProperties": 1, "maxProperties": 1,
			"properties": entries, "patternProperties": anyEntry, "additionalProperties": false,
		},
		"properties": sections, "patternProperties": otherNames, "additionalProperties": false,
		"$defs": defs,
	}
}

// ref stands for a definition, or a part of one.
func ref(path ...string) schema {
	return schema{"$ref": "#/$defs/" + strings.Join(path, "/")}
}

// mapDef is the definition of the action in the map form.
func (a *action) mapDef() string { return "map." + a.name }

// required are the names of the parameters that must be there.
func (a *action) required() []string {
	var names []string
	for _, p := range a.params {
		if p.rules&required != 0 {
			names = append(names, p.name)
		}
	}
	return names
}

// listSchema is what may stand under the action's name in the list form.
func (a *action) listSchema() schema {
	s := a.parameters(false)
	types := []string{"object"}
	if len(a.required()) == 0 {
		types = append(types, "null")
	}
	if p := a.bareParam(); p != nil && len(a.required()) <= 1 {
		types = append(types, "string")
		of := p.schema(a, false)
		for _, limit := range []string{"pattern", "minLength"} {
			if v, ok := of[limit]; ok {
				s[limit] = v
			}
		}
	}
	s["type"] = types
	return s
}

// entrySchema is what may stand in a section of the map form.
func (a *action) entrySchema() schema {
	s := a.parameters(true)
	s["type"] = []string{"object", "null"}
	if a.isSwitch() {
		s["type"] = []string{"object", "null", "boolean"}
	}
	return s
}

// sectionSchema is what may stand under the section's name.
func (a *action) sectionSchema() schema {
	entry := ref(a.mapDef())
	if !a.repeatable() {
		return entry
	}
	return schema{"if": schema{"type": "array"}, "then": schema{"items": entry}, "else": entry}
}

// parameters is the schema of the action's parameters. Their names may be written
// in any case, but one spelling is the one to offer.
func (a *action) parameters(mapped bool) schema {
	def := a.name
	if mapped {
		def = a.mapDef()
	}
	properties, others := schema{}, schema{}
	var all []schema
	for i := range a.params {
		p := &a.params[i]
		properties[p.name] = p.schema(a, mapped)
		others[anyCase(p.name)] = ref(def, "properties", p.name)
		if p.rules&required != 0 && !(mapped && p.rules&orAbsent != 0) {
			all = append(all, present(p.name, mapped))
		}
	}
	s := schema{"description": a.about, "properties": properties, "patternProperties": others, "additionalProperties": false}
	if all != nil {
		s["allOf"] = all
	}
	return s
}

// present wants a property, in any case. The map form has empty entries, which are
// as if they were not there.
func present(name string, mapped bool) schema {
	ways := []schema{
		{"required": []string{name}},
		{"not": schema{"propertyNames": schema{"not": schema{"pattern": anyCase(name)}}}},
	}
	if mapped {
		ways = append(ways, schema{"maxProperties": 0})
	}
	return schema{"anyOf": ways}
}

// How numbers are written as text, as Go has it: those that are not negative, and
// those that are more than zero.
const (
	wholePattern    = `^\+?(0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO]?[0-7_]*|[1-9][0-9_]*)$`
	positivePattern = `^\+?(([0-9]*[1-9][0-9]*\.?[0-9]*|[0-9]*\.[0-9]*[1-9][0-9]*)([eE][+-]?[0-9]+)?|` +
		`0[xX]([0-9a-fA-F_]*[1-9a-fA-F][0-9a-fA-F_]*\.?[0-9a-fA-F_]*|[0-9a-fA-F_]*\.[0-9a-fA-F_]*[1-9a-fA-F][0-9a-fA-F_]*)[pP][+-]?[0-9]+)$`
)

// schema is what a parameter may be.
func (p *param) schema(a *action, mapped bool) schema {
	at := p.at(a.fresh())
	s := p.typeSchema(at, mapped)
	s["description"] = p.about + p.remarks()
	if text := shown(at); text != "" {
		s["default"] = json.RawMessage(jsonDefault(at, text))
	}
	return s
}

func jsonDefault(at any, text string) []byte {
	switch at.(type) {
	case *string, *fs.FileMode: // a mode is an octal number, which JSON has not
		return []byte(`"` + text + `"`)
	}
	return []byte(text)
}

func (p *param) typeSchema(at any, mapped bool) schema {
	types := func(names ...string) []string {
		if mapped {
			names = append(names, "null")
		}
		return names
	}
	switch at.(type) {
	case *int:
		if p.name == "port" {
			return wholeSchema(types, math.MaxUint16)
		}
		return wholeSchema(types, math.MaxInt64)
	case *fs.FileMode:
		return wholeSchema(types, math.MaxUint16)
	case *float64: // all of them are costs
		s := schema{"type": types("number", "string"), "exclusiveMinimum": 0, "pattern": positivePattern}
		if mapped { // zero is as if it were not there
			delete(s, "exclusiveMinimum")
			s["minimum"] = 0
		}
		return s
	case *bool:
		return boolSchema(mapped)
	case *[]string:
		return schema{"type": []string{"array", "string", "null"}, "items": schema{"type": []string{"string", "number"}}}
	case *map[string]float64:
		return schema{"type": []string{"object", "string", "null"}, "additionalProperties": schema{"type": "number", "exclusiveMinimum": 0}, "pattern": `^\{`}
	case *map[string]any:
		return schema{"type": []string{"object", "string", "null"}, "pattern": `^\{`}
	case *[]any:
		return rulesSchema(mapped)
	}
	return p.textSchema(types, mapped)
}

// wholeSchema is a number up to most that is not negative. Of one with a fraction the
// whole part counts.
func wholeSchema(types func(...string) []string, most int) schema {
	return schema{"type": types("number", "string"), "exclusiveMinimum": -1, "exclusiveMaximum": uint64(most) + 1, "pattern": wholePattern}
}

func (p *param) textSchema(types func(...string) []string, mapped bool) schema {
	if p.choices != nil {
		return schema{"type": types("string"), "pattern": anyCase(p.choices...), "examples": p.choices}
	}
	s := schema{"type": types("string", "number", "boolean")}
	if p.rules&nonEmpty != 0 && (p.rules&required != 0 || !mapped) {
		s["minLength"] = 1
	}
	return s
}

func boolSchema(mapped bool) schema {
	values := []any{true, false}
	for _, text := range slices.Concat(trueTexts, falseTexts) {
		values = append(values, text)
	}
	if mapped {
		values = append(values, 0, 1, nil)
	}
	return schema{"enum": values}
}

func rulesSchema(mapped bool) schema {
	s := schema{"type": []string{"array", "string", "null"}, "items": ref("rule"), "pattern": `^\[`}
	if mapped {
		return schema{"if": schema{"type": "object"}, "then": ref("rule"), "else": s}
	}
	return s
}

// ruleSchema is one rule of the firewall.
func ruleSchema() schema {
	text := schema{"type": "string"}
	action := schema{"type": "string", "pattern": anyCase("accept", "reject", "drop"), "examples": []string{"accept", "reject", "drop"}}
	return schema{
		"type": "object",
		"patternProperties": schema{
			anyCase("action"): action, anyCase("fromnode", "tonode", "fromservice", "toservice"): text,
		},
		"properties":           schema{"action": action, "fromnode": text, "tonode": text, "fromservice": text, "toservice": text},
		"additionalProperties": false,
		"allOf":                []schema{present("action", false)},
	}
}

// anyCase is a pattern for names in any case.
func anyCase(names ...string) string {
	var b strings.Builder
	for i, name := range names {
		if i > 0 {
			b.WriteByte('|')
		}
		for _, r := range name {
			lower, upper := strings.ToLower(string(r)), strings.ToUpper(string(r))
			if lower == upper {
				b.WriteString(lower)
			} else {
				b.WriteString("[" + lower + upper + "]")
			}
		}
	}
	return "^(" + b.String() + ")$"
}
