package cut

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestLongWordsAreCutAndStayApart(t *testing.T) {
	long := strings.Repeat("é", 5000)
	one, other := Word(long+"1"), Word(long+"2")
	if one == other || len(one) > Max || !regexp.MustCompile(`^é{64}…\(10001 bytes, [0-9a-f]{16}\)$`).MatchString(one) {
		t.Errorf("%q and %q", one, other)
	}
	for _, word := range []string{"", "foo", strings.Repeat("x", Max)} {
		if got := Word(word); got != word {
			t.Errorf("%q became %q", word, got)
		}
	}
	if got := Word("x" + long); !utf8.ValidString(got) {
		t.Errorf("amid a letter: %q", got)
	}
}

func TestTextsAreCutWordByWord(t *testing.T) {
	long := strings.Repeat("x", Max+1)
	for text, want := range map[string]string{
		"node " + long + "\t" + long + "\r\nis gone": "node " + Word(long) + "\t" + Word(long) + "\r\nis gone",
		"\xff[31m" + long + "\xff[0m":                "\xff[31m" + strings.TrimPrefix(Word("[31m"+long), "[31m") + "\xff[0m",
		strings.Repeat("a word ", 100):               strings.Repeat("a word ", 100),
		long:                                         Word(long),
	} {
		if got := Text(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
