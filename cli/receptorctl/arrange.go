package main

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

// arrange rewrites arguments into the only order the option library reads: options
// first, each as one word, then "--" and the arguments. It accepts options anywhere
// before a "--", -n -f as -nf, and -lTEXT. It also finds what is misspelt, so that
// all such errors read alike.
func arrange(app *cli.App, args []string) ([]string, error) {
	return topLevel(app).arrange(args)
}

// level is a program or command, and what may follow its name.
type level struct {
	name     string // as it is entered: receptorctl work submit
	flags    []cli.Flag
	above    []cli.Flag // those that belong before the name of the command
	commands []*cli.Command
	usage    string // of its arguments
}

func topLevel(app *cli.App) level {
	return level{name: app.Name, flags: append([]cli.Flag{cli.HelpFlag, cli.VersionFlag}, app.Flags...), commands: app.Commands}
}

func (l level) below(c *cli.Command) level {
	return level{
		name: l.name + " " + c.Name, flags: append([]cli.Flag{cli.HelpFlag}, c.Flags...), above: slices.Concat(l.above, l.flags),
		commands: c.Subcommands, usage: c.ArgsUsage,
	}
}

func (l level) arrange(args []string) ([]string, error) {
	var options, words []string
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case arg == "--":
			words = append(words, args...)
			args = nil
		case len(arg) > 1 && arg[0] == '-':
			got, rest, err := l.takeOption(arg, args)
			if err != nil {
				return nil, err
			}
			options, args = append(options, got...), rest
		case l.commands != nil:
			return l.descend(options, arg, args)
		default:
			words = append(words, arg)
		}
	}
	if l.commands != nil && len(words) > 0 {
		return l.descend(options, words[0], words[1:])
	}
	if l.commands != nil && len(options) > 0 && !slices.Contains(options, "--help") && !slices.Contains(options, "--version") {
		return nil, l.misused("Missing command.")
	}
	if len(words) > 0 && !slices.Contains(options, "--help") { // else help would be looked for under that name
		options = append(append(options, "--"), words...)
	}
	return options, nil
}

// descend goes on with the level of the named command.
func (l level) descend(options []string, name string, args []string) ([]string, error) {
	for _, c := range l.commands {
		if c.HasName(name) {
			rest, err := l.below(c).arrange(args)
			return append(append(options, name), rest...), err
		}
	}
	return nil, l.noCommand(name)
}

// takeOption reads the option arg, and its value from rest if it needs one.
func (l level) takeOption(arg string, rest []string) (options, left []string, err error) {
	if name, isLong := strings.CutPrefix(arg, "--"); isLong {
		name, value, hasValue := strings.Cut(name, "=")
		option, left, err := l.oneOption(name, "--"+name, value, hasValue, rest)
		return []string{option}, left, err
	}
	for cluster := arg[1:]; cluster != ""; {
		letter := cluster[:1]
		cluster = cluster[1:]
		f := find(l.flags, letter)
		attached := f != nil && !isSwitch(f) && cluster != ""
		value := ""
		if attached {
			value, cluster = cluster, ""
		}
		option, left, err := l.oneOption(letter, "-"+letter, value, attached, rest)
		if err != nil {
			return nil, nil, err
		}
		options, rest = append(options, option), left
	}
	return options, rest, nil
}

// oneOption returns --name or --name=value.
func (l level) oneOption(name, shown, value string, hasValue bool, rest []string) (string, []string, error) {
	f := find(l.flags, name)
	if f == nil {
		return "", nil, l.noOption(name, shown)
	}
	name = f.Names()[0]
	if isSwitch(f) {
		if hasValue {
			return "", nil, l.misused("Option %s does not take a value.", shown)
		}
		return "--" + name, rest, nil
	}
	if name == skipVerify && !hasValue && (len(rest) == 0 || !isBoolean(rest[0])) {
		return "--" + name + "=true", rest, nil
	}
	if !hasValue {
		if len(rest) == 0 {
			return "", nil, l.misused("Option %s requires an argument.", shown)
		}
		value, rest = rest[0], rest[1:]
	}
	return "--" + name + "=" + value, rest, l.checkValue(f, shown, value)
}

func find(table []cli.Flag, name string) cli.Flag {
	for _, f := range table {
		for _, n := range f.Names() {
			if n == name {
				return f
			}
		}
	}
	return nil
}

func isSwitch(f cli.Flag) bool {
	_, ok := f.(*cli.BoolFlag)
	return ok
}

func (l level) checkValue(f cli.Flag, shown, value string) error {
	wanted := ""
	switch f.(type) {
	case *cli.IntFlag, *cli.Int64Flag:
		if _, err := strconv.ParseInt(value, 10, 64); err != nil {
			wanted = "integer"
		}
	case *cli.DurationFlag:
		if _, err := time.ParseDuration(value); err != nil {
			wanted = "duration, for example 90s or 1h30m"
		}
	case *cli.Float64Flag:
		if _, err := strconv.ParseFloat(value, 64); err != nil {
			wanted = "float"
		}
	}
	if f.Names()[0] == skipVerify && !isBoolean(value) {
		wanted = "boolean"
	}
	if wanted == "" {
		return nil
	}
	wrong := l.misused("'%s' is not a valid %s.", value, wanted)
	wrong.note = "It is the value of " + shown + ". " + wrong.note
	return wrong
}

var booleans = map[string]bool{
	"1": true, "true": true, "t": true, "yes": true, "y": true, "on": true,
	"0": false, "false": false, "f": false, "no": false, "n": false, "off": false,
}

func isBoolean(word string) bool {
	_, ok := booleans[strings.ToLower(word)]
	return ok
}
