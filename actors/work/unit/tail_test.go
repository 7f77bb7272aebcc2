package unit

import (
	"strings"
	"testing"
)

func TestLastLines(t *testing.T) {
	cases := map[string]string{
		"":                       "",
		"\n\n":                   "",
		"a\n":                    "a",
		"a\nb\n\nc\r\nd":         "b; c; d",
		"bad \xff byte":          "bad ? byte",
		strings.Repeat("a", 400): strings.Repeat("a", 400),
		strings.Repeat("a", 401): "…" + strings.Repeat("a", 400),
		strings.Repeat("é", 400): "…" + strings.Repeat("é", 200),
	}
	for text, want := range cases {
		if got := LastLines(text); got != want {
			t.Errorf("%q: got %q", text, got)
		}
	}
}
