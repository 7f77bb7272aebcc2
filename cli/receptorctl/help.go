package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

// The library takes its way of showing an option from a variable of its own.
func init() { cli.FlagStringer = optionText }

// toggle is an option without a value. alias is a letter, or empty.
func toggle(name, alias, usage string) cli.Flag {
	f := &cli.BoolFlag{Name: name, Usage: usage, DisableDefaultText: true}
	if alias != "" {
		f.Aliases = []string{alias}
	}
	return f
}

// optionText is one line of a help text: names, short ones first, then what the
// option means. The part of the usage in backquotes names the value.
func optionText(f cli.Flag) string {
	doc, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return f.String()
	}
	names := []string{"--" + f.Names()[0]}
	for _, alias := range f.Names()[1:] {
		if len(alias) == 1 {
			names = append([]string{"-" + alias}, names...)
		}
	}
	usage := doc.GetUsage()
	left := strings.Join(names, ", ")
	if parts := strings.Split(usage, "`"); doc.TakesValue() && len(parts) == 3 {
		left += " " + parts[1]
		usage = strings.Join(parts, "")
	}
	if text := doc.GetDefaultText(); text != "" && text != `""` && doc.TakesValue() {
		usage += fmt.Sprintf(" [default: %s]", text)
	}
	if env := doc.GetEnvVars(); len(env) > 0 {
		usage += fmt.Sprintf(" [env: %s]", env[0])
	}
	return left + "\t" + usage
}
