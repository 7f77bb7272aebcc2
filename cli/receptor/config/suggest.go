package config

import (
	"fmt"
	"strings"

	"receptor/cli/internal/nearest"
)

// misspelt is the name of an unknown action, with a hint that tells what was
// probably meant. word is the argument, name what follows its dashes, rest the
// arguments after it.
func misspelt(word, name string, rest []string) string {
	if name == "" {
		return loneDash(word, rest)
	}
	lower := strings.ToLower(name)
	if action, value, ok := strings.Cut(name, "="); ok {
		return lower + withoutEquals(action, value)
	}
	return lower + didYouMean(name, words())
}

// loneDash explains "- log-level Debug": the dashes were torn off their name.
func loneDash(word string, rest []string) string {
	if len(rest) == 0 || !isWord(rest[0]) {
		return fmt.Sprintf("%q: a lone %q names no action", "", word)
	}
	end := 1
	for end < len(rest) && !strings.HasPrefix(rest[end], "-") {
		end++
	}
	return fmt.Sprintf("%q: a lone %q stands before %q; write --%s", "", word, rest[0], strings.Join(rest[:end], " "))
}

// withoutEquals explains "--config=file": a value is an argument of its own.
func withoutEquals(name, value string) string {
	if strings.EqualFold(name, "config") || strings.EqualFold(name, "c") {
		return fmt.Sprintf(" (write --%s %s)", name, value)
	}
	a := find(name)
	if a == nil {
		return didYouMean(name, words())
	}
	switch {
	case a.isSwitch():
	case a.bareParam() != nil:
		return fmt.Sprintf(" (write --%s %s=%s)", name, a.bareParam().name, value)
	case len(a.params) > 0:
		return fmt.Sprintf(" (write --%s %s=VALUE)", name, a.params[0].name)
	}
	return fmt.Sprintf(" (write --%s)", name)
}

// nearMiss explains a bare value that is an action or a parameter written badly.
func nearMiss(it *item, text string) string {
	switch {
	case isWord(text):
		return fmt.Sprintf(" (did you mean --%s?)", text)
	case it.action.param(text) != nil:
		return fmt.Sprintf(" (did you mean %s=VALUE?)", text)
	case len(it.action.params) == 0:
		return fmt.Sprintf(" (%s has no parameters)", it.action.name)
	}
	return fmt.Sprintf(" (write NAME=%s; parameters: %s)", text, strings.Join(it.action.paramNames(), ", "))
}

func isWord(name string) bool {
	for _, w := range words() {
		if strings.EqualFold(w, name) {
			return true
		}
	}
	return false
}

// didYouMean names the known name nearest to what was written; the first of
// those that are equally near.
func didYouMean(written string, known []string) string {
	best := nearest.Name(written, known)
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}
