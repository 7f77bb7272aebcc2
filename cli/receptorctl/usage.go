package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"receptor/cli/internal/nearest"
)

// misused is the error of a command line that can't be understood. The first line is
// the one that scripts know; what to do stands below it.
func (l level) misused(format string, args ...any) *failure {
	f := failed(exitError, format, args...)
	f.note = "See " + l.name + " --help."
	return f
}

func (l level) noCommand(name string) error {
	f := l.misused("No such command '%s'.", name)
	names := make([]string, 0, len(l.commands))
	for _, c := range l.commands {
		if !c.Hidden {
			names = append(names, c.Name)
		}
	}
	if near := nearest.Likely(name, names); near != "" {
		f.note = fmt.Sprintf("Did you mean %s %s? %s", l.name, near, f.note)
	} else {
		f.note = fmt.Sprintf("There are: %s. %s", strings.Join(names, ", "), f.note)
	}
	return f
}

func (l level) noOption(name, shown string) error {
	f := l.misused("No such option: %s", shown)
	if find(l.above, name) != nil {
		f.note = fmt.Sprintf("It belongs before the command: receptorctl %s ... %s. %s",
			shown, strings.TrimPrefix(l.name, "receptorctl "), f.note)
		return f
	}
	if near := nearest.Likely(name, optionNames(l.flags)); near != "" {
		f.note = fmt.Sprintf("Did you mean --%s? %s", near, f.note)
	}
	return f
}

// optionNames are the long names.
func optionNames(flags []cli.Flag) []string {
	var names []string
	for _, f := range flags {
		for _, name := range f.Names() {
			if len(name) > 1 {
				names = append(names, name)
			}
		}
	}
	return names
}

// misusedIn is misused for a command that runs.
func misusedIn(c *cli.Context, format string, args ...any) *failure {
	return level{name: c.Command.HelpName}.misused(format, args...)
}

// arguments checks that a command got exactly those it names.
func arguments(c *cli.Context, names ...string) ([]string, error) {
	got := c.Args().Slice()
	if len(got) < len(names) {
		return nil, misusedIn(c, "Missing parameter: %s", names[len(got)])
	}
	if extra := got[len(names):]; len(extra) > 0 {
		return nil, misusedIn(c, "Got unexpected extra arguments (%s)", strings.Join(extra, " "))
	}
	return got, nil
}
