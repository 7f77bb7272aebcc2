package config

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// WriteReference writes the reference of the configuration, in Markdown.
func WriteReference(w io.Writer) error {
	var b strings.Builder
	b.WriteString(referenceHead)
	for s, title := range titles {
		if title == "" {
			title = "The node"
		}
		fmt.Fprintf(&b, "\n## %s\n", title)
		for i := range table {
			if a := &table[i]; a.section == section(s) && a.is&hidden == 0 {
				a.reference(&b)
			}
		}
	}
	b.WriteString("\n## Environment variables\n\n| Variable | Meaning |\n| --- | --- |\n")
	for _, v := range slices.Concat(variables, otherVariables) {
		fmt.Fprintf(&b, "| `%s` | %s |\n", v.name, v.about)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

const referenceHead = `# Configuration reference

<!-- Written by "make docs" from the table in cli/receptor/config: change that, not this. -->

Everything a node is told is an *action* with *parameters*. The same actions can be written in three forms:

- on the **command line**: ` + "`--ACTION PARAMETER=VALUE ...`" + `. Names are read in any case. Where a parameter says so, its
  name and "=" may be left out. A list is a parameter given several times, or a JSON array. ` + "`--config FILE`" + ` puts the actions
  of a file at its place, any number of times.
- in a file, as a **list** of actions in YAML (or JSON), each a name or a map of one name to its parameters;
- in a file, as a **map** of sections: an action that may be there more than once has a section in the plural, which holds
  a list of entries (one entry may go without the list); any other has a section of its own name. ` + "`version: 2`" + ` may stand
  in front and changes nothing. ` + "`--config-v2`" + ` on the command line is not needed either; with it, as in the existing system,
  the node watches the file and reloads it when it has changed.

Differences between the two forms of a file:

| | list | map |
| --- | --- | --- |
| unknown names | an error | a warning |
| a name given twice in one map | a warning: the last one counts | the same; an error if it is a section |
| empty text, nothing, a cost or mode of 0 | an error or that value | as if not given |
| section or entry without parameters | the action with its defaults | as if not there, but for ` + "`trace` and `debug`" + ` |
| ` + "`local-only`" + ` | naming it is enough | ` + "`local-only: {local: true}`" + ` |
| text for a list | one element | split at commas |
| actions that make certificates | stand alone | are run before the node starts; files that are there are kept |

Only the first document of a file is read. Unquoted ` + "`yes`, `no`, `on`, `off`, `y` and `n`" + ` are booleans in YAML, and ` + "`0640`" + ` is
octal: quote a node ID that looks like one of them. A span of time is written as ` + "`1h30m`" + `, ` + "`30m`" + ` or ` + "`10s`" + `.

` + "`receptor --check ...`" + ` reads a configuration as a start would, looks at the files it names, and tells every error with its place, or
what it would start. ` + "`receptor --schema`" + ` writes a JSON schema of both forms; with the YAML language server, the first line of
a file can name it: ` + "`# yaml-language-server: $schema=receptor.schema.json`" + `.
`

func (a *action) reference(b *strings.Builder) {
	fmt.Fprintf(b, "\n### %s\n\n%s%s\n", a.name, cell(a.about), a.usage())
	if len(a.params) > 0 {
		b.WriteString("\n| Parameter | Type | Default | Meaning |\n| --- | --- | --- | --- |\n")
		defaults := a.fresh()
		for i := range a.params {
			p := &a.params[i]
			fmt.Fprintf(b, "| `%s` | %s | %s | %s%s |\n", p.name, kind(p.at(defaults)), p.standard(defaults), cell(p.about), p.remarks())
		}
	}
	it := a.example()
	if it == nil {
		return
	}
	fmt.Fprintf(b, "\n```sh\nreceptor %s\n```\n\n```yaml\n%s```\n", it.commandLine(), it.listYAML())
	if a.mappable() {
		fmt.Fprintf(b, "\n```yaml\n%s```\n", it.mapYAML())
	}
}

// usage says how often an action may be there.
func (a *action) usage() string {
	var notes []string
	switch {
	case a.is&exclusive != 0 && a.mappable():
		notes = append(notes, "Stands alone, but for the map form.")
	case a.is&exclusive != 0:
		notes = append(notes, "Stands alone.")
	case a.is&singleton != 0:
		notes = append(notes, "At most once.")
	default:
		notes = append(notes, "Any number of times.")
	}
	if !a.mappable() {
		notes = append(notes, "Not in the map form.")
	} else if a.sectionName() != a.name {
		notes = append(notes, fmt.Sprintf("Section `%s` in the map form.", a.sectionName()))
	}
	return " " + strings.Join(notes, " ")
}

// kind is a type as the reference calls it.
func kind(at any) string {
	name, _, _ := strings.Cut(typeName(at), " (")
	switch name {
	case "[]string":
		return "list of strings"
	case "float64":
		return "number"
	case "JSON dict of string to float64":
		return "map of numbers"
	case "JSON dict with string keys":
		return "map"
	case "JSON list of dicts":
		return "list of maps"
	}
	return name
}

// standard is a parameter's default, or that there must be a value.
func (p *param) standard(defaults any) string {
	if p.rules&required != 0 {
		return "required"
	}
	if text := shown(p.at(defaults)); text != "" {
		return "`" + text + "`"
	}
	return ""
}

func (p *param) remarks() string {
	text := ""
	if p.choices != nil && !strings.Contains(p.about, p.choices[0]) {
		text += " One of " + strings.Join(p.choices, ", ") + "."
	}
	if p.rules&bare != 0 {
		text += fmt.Sprintf(" `%s=` may be left out.", p.name)
	}
	if p.rules&orAbsent != 0 {
		text += " Not required in the map form."
	}
	return text
}

// cell is text for a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "*", `\*`).Replace(text)
}
