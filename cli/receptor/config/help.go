package config

import (
	"fmt"
	"io"
	"strings"
)

// WriteHelp writes the text of --help for a program of this name.
func WriteHelp(w io.Writer, program string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage: %s [--<action> [<param>=<value> ...] ...]\n\n", program)
	b.WriteString("   --help, -h: Show this help.\n\n")
	b.WriteString("   --config, -c <filename>: Load actions from a YAML file, as if they stood at this place: a list of actions, or a map of them.\n\n")
	b.WriteString("   --check: Say whether the rest of the command line would start, and what; start nothing.\n\n")
	b.WriteString("   --schema: Show a JSON schema of files, for editors.\n\n")
	b.WriteString("   --bash-completion: Show a script that completes this command line: . <(" + program + " --bash-completion)\n\n")
	for s, title := range titles {
		if title != "" {
			fmt.Fprintf(&b, "%s:\n\n", title)
		}
		for _, a := range table {
			if a.section == section(s) && a.is&hidden == 0 {
				a.help(&b)
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (a *action) help(b *strings.Builder) {
	fmt.Fprintf(b, "   --%s: %s\n", a.name, a.about)
	defaults := a.fresh()
	for _, p := range a.params {
		fmt.Fprintf(b, "      %s=<%s>: %s%s\n", p.name, p.typeName, p.about, p.notes(shown(p.at(defaults))))
	}
	b.WriteByte('\n')
}

// notes are what follows a parameter's description.
func (p *param) notes(standard string) string {
	var notes []string
	if p.rules&required != 0 {
		notes = append(notes, "required")
	}
	if p.rules&bare != 0 {
		notes = append(notes, fmt.Sprintf("%q may be left out", p.name+"="))
	}
	if standard != "" {
		notes = append(notes, "default: "+standard)
	}
	if len(notes) == 0 {
		return ""
	}
	return " (" + strings.Join(notes, ", ") + ")"
}
