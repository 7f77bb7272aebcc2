package main

import (
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
)

// arrange rewrites arguments into the only order the option library reads: options
// first, each as one word, then "--" and the arguments. It accepts options anywhere
// before a "--", -n -f as -nf, and -lTEXT. It also finds what is misspelt, so that
// all such errors read alike.
func arrange(app *cli.App, args []string) ([]string, error) {
	return arrangeLevel(append([]cli.Flag{cli.VersionFlag}, app.Flags...), app.Commands, args)
}

func arrangeLevel(flags []cli.Flag, commands []*cli.Command, args []string) ([]string, error) {
	table := append([]cli.Flag{cli.HelpFlag}, flags...)
	var options, words []string
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case arg == "--":
			words = append(words, args...)
			args = nil
		case len(arg) > 1 && arg[0] == '-':
			got, rest, err := takeOption(table, arg, args)
			if err != nil {
				return nil, err
			}
			options, args = append(options, got...), rest
		case commands != nil:
			return descend(options, commands, arg, args)
		default:
			words = append(words, arg)
		}
	}
	if commands != nil && len(words) > 0 {
		return descend(options, commands, words[0], words[1:])
	}
	if len(words) > 0 && !slices.Contains(options, "--help") { // else help would be looked for under that name
		options = append(append(options, "--"), words...)
	}
	return options, nil
}

// descend goes on with the level of the named command.
func descend(options []string, commands []*cli.Command, name string, args []string) ([]string, error) {
	for _, c := range commands {
		if !c.HasName(name) {
			continue
		}
		rest, err := arrangeLevel(c.Flags, c.Subcommands, args)
		return append(append(options, name), rest...), err
	}
	return nil, failed(exitError, "No such command '%s'.", name)
}

// takeOption reads the option arg, and its value from rest if it needs one.
func takeOption(table []cli.Flag, arg string, rest []string) (options, left []string, err error) {
	if name, isLong := strings.CutPrefix(arg, "--"); isLong {
		name, value, hasValue := strings.Cut(name, "=")
		option, left, err := oneOption(table, name, "--"+name, value, hasValue, rest)
		return []string{option}, left, err
	}
	for cluster := arg[1:]; cluster != ""; {
		letter := cluster[:1]
		cluster = cluster[1:]
		f := find(table, letter)
		attached := f != nil && !isSwitch(f) && cluster != ""
		value := ""
		if attached {
			value, cluster = cluster, ""
		}
		option, left, err := oneOption(table, letter, "-"+letter, value, attached, rest)
		if err != nil {
			return nil, nil, err
		}
		options, rest = append(options, option), left
	}
	return options, rest, nil
}

// oneOption returns --name or --name=value.
func oneOption(table []cli.Flag, name, shown, value string, hasValue bool, rest []string) (string, []string, error) {
	f := find(table, name)
	if f == nil {
		return "", nil, failed(exitError, "No such option: %s", shown)
	}
	name = f.Names()[0]
	if isSwitch(f) {
		if hasValue {
			return "", nil, failed(exitError, "Option %s does not take a value.", shown)
		}
		return "--" + name, rest, nil
	}
	if name == skipVerify && !hasValue && (len(rest) == 0 || !isBoolean(rest[0])) {
		return "--" + name + "=true", rest, nil
	}
	if !hasValue {
		if len(rest) == 0 {
			return "", nil, failed(exitError, "Option %s requires an argument.", shown)
		}
		value, rest = rest[0], rest[1:]
	}
	return "--" + name + "=" + value, rest, checkValue(f, value)
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

func checkValue(f cli.Flag, value string) error {
	switch f.(type) {
	case *cli.IntFlag, *cli.Int64Flag:
		if _, err := strconv.ParseInt(value, 10, 64); err != nil {
			return failed(exitError, "'%s' is not a valid integer.", value)
		}
	case *cli.Float64Flag:
		if _, err := strconv.ParseFloat(value, 64); err != nil {
			return failed(exitError, "'%s' is not a valid float.", value)
		}
	}
	if f.Names()[0] == skipVerify && !isBoolean(value) {
		return failed(exitError, "'%s' is not a valid boolean.", value)
	}
	return nil
}

var booleans = map[string]bool{
	"1": true, "true": true, "t": true, "yes": true, "y": true, "on": true,
	"0": false, "false": false, "f": false, "no": false, "n": false, "off": false,
}

func isBoolean(word string) bool {
	_, ok := booleans[strings.ToLower(word)]
	return ok
}
