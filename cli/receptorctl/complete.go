package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// typing is a command line that is not finished: what stands before the cursor.
type typing struct {
	level
	global map[string]string // values of options before the command
	local  map[string]string // values of the command's own options
	args   []string
	ended  bool     // a "--" has ended the options
	value  cli.Flag // the option whose value is being typed, if one is
	word   string   // what is being typed
	before string   // what stands before it in the same word: --node=
}

// readTyping takes the words after the name of the program; the last one is being
// typed, and may be empty.
func readTyping(app *cli.App, words []string) typing {
	y := typing{level: topLevel(app), global: map[string]string{}, local: map[string]string{}}
	if len(words) == 0 {
		return y
	}
	last := len(words) - 1
	for _, w := range words[:last] {
		y.take(w)
	}
	y.word = words[last]
	if name, value, found := strings.Cut(y.word, "="); found && y.value == nil && y.isOption(y.word) {
		if f := find(y.flags, strings.TrimLeft(name, "-")); f != nil && !isSwitch(f) {
			y.value, y.before, y.word = f, name+"=", value
		}
	}
	return y
}

func (y *typing) isOption(word string) bool {
	return !y.ended && len(word) > 1 && word[0] == '-'
}

// take reads a word that is finished.
func (y *typing) take(word string) {
	switch {
	case y.value != nil:
		y.store(y.value, word)
		y.value = nil
	case word == "--" && !y.ended:
		y.ended = true
	case y.isOption(word):
		y.takeOption(word)
	case y.commands != nil:
		y.descend(word)
	default:
		y.args = append(y.args, word)
	}
}

// takeOption reads an option and remembers if its value comes next.
func (y *typing) takeOption(word string) {
	if name, isLong := strings.CutPrefix(word, "--"); isLong {
		name, value, hasValue := strings.Cut(name, "=")
		y.one(find(y.flags, name), value, hasValue)
		return
	}
	for letters := word[1:]; letters != "" && y.value == nil; {
		f := find(y.flags, letters[:1])
		letters = letters[1:]
		if f != nil && !isSwitch(f) {
			y.one(f, letters, letters != "")
			return
		}
		y.one(f, "", false)
	}
}

func (y *typing) one(f cli.Flag, value string, hasValue bool) {
	switch {
	case f == nil:
	case isSwitch(f):
		y.store(f, "true")
	case hasValue:
		y.store(f, value)
	default:
		y.value = f
	}
}

func (y *typing) store(f cli.Flag, value string) {
	values := y.local
	if y.above == nil {
		values = y.global
	}
	values[f.Names()[0]] = value
}

func (y *typing) descend(name string) {
	for _, c := range y.commands {
		if c.HasName(name) {
			y.level = y.below(c)
			return
		}
	}
}

// candidate is what may be typed, and what it is.
type candidate struct{ value, what string }

// candidates are those for the word in hand; kind names what else is wanted: the
// placeholder of an option's value, or of an argument.
func (y *typing) candidates() (list []candidate, kind string) {
	switch {
	case y.value != nil:
		return nil, placeholder(y.value)
	case !y.ended && strings.HasPrefix(y.word, "-"):
		return y.options(), ""
	case y.commands != nil:
		for _, c := range y.commands {
			if !c.Hidden {
				list = append(list, candidate{c.Name, c.Usage})
			}
		}
		return list, ""
	case strings.HasSuffix(y.name, " doctor") && slices.Equal(y.args, []string{"unit"}):
		return nil, "ID"
	}
	return nil, argumentKind(y.usage, len(y.args))
}

// options are those not given yet, and those that may be given again.
func (y *typing) options() []candidate {
	var list []candidate
	for _, f := range y.flags {
		name := f.Names()[0]
		_, given := y.local[name]
		if _, again := f.(*cli.StringSliceFlag); given && !again {
			continue
		}
		if doc, ok := f.(cli.DocGenerationFlag); ok {
			list = append(list, candidate{"--" + name, strings.ReplaceAll(doc.GetUsage(), "`", "")})
		}
	}
	return list
}

// placeholder is the name for the value of an option, as its help shows it.
func placeholder(f cli.Flag) string {
	doc, ok := f.(cli.DocGenerationFlag)
	if !ok || !doc.TakesValue() {
		return ""
	}
	parts := strings.Split(doc.GetUsage(), "`")
	if len(parts) != 3 {
		return ""
	}
	if f.Names()[0] == "tls-client" && len(doc.GetEnvVars()) > 0 {
		return "TLS_CLIENT" // of the configuration file, not of the node
	}
	return parts[1]
}

// argumentKind is the name of the argument at a position: "WORKTYPE [CMDPARAMS]...".
func argumentKind(usage string, at int) string {
	names := strings.Fields(usage)
	if len(names) == 0 {
		return ""
	}
	if at >= len(names) {
		if at = len(names) - 1; !strings.HasSuffix(names[at], "...") {
			return ""
		}
	}
	return strings.Trim(names[at], "[].")
}

// breaks are where bash cuts words besides blanks.
const breaks = "=:"

// rejoin undoes what bash has cut, as far as it can be known.
func rejoin(words []string) []string {
	var joined []string
	glue := false
	for _, w := range words {
		isBreak := w != "" && strings.Trim(w, breaks) == ""
		if n := len(joined) - 1; n >= 0 && (glue || isBreak) {
			joined[n] += w
		} else {
			joined = append(joined, w)
		}
		glue = isBreak
	}
	return joined
}

// narrow keeps the candidates that begin with what has been typed, and gives them the
// form which the shell expects: the whole word, or for bash what follows a break.
func (y *typing) narrow(list []candidate, shell string) []candidate {
	cut := 0
	if shell == "bash" {
		cut = strings.LastIndexAny(y.before+y.word, breaks) + 1
	}
	kept := slices.DeleteFunc(list, func(c candidate) bool {
		return !strings.HasPrefix(c.value, y.word) || c.value == "" || strings.ContainsAny(c.value, " \t\r\n") || visible(c.value) != c.value
	})
	for i := range kept {
		kept[i].value = (y.before + kept[i].value)[cut:]
		kept[i].what = strings.Join(strings.Fields(kept[i].what), " ")
	}
	return kept
}
