package nearest

import (
	"strings"
	"testing"
)

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"a", "", 1}, {"", "ab", 2}, {"same", "same", 0},
		{"stauts", "status", 1}, {"ping", "pin", 1}, {"list", "lost", 1}, {"kitten", "sitting", 3},
		{strings.Repeat("x", 1000), "x", maxCompared - 1},
	} {
		if got := Distance(c.a, c.b); got != c.want {
			t.Errorf("%.20q to %q: got %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestLikelyNamesOnlyWhatIsNear(t *testing.T) {
	known := []string{"status", "ping", "traceroute", "work"}
	for written, want := range map[string]string{
		"stats": "status", "STATUS": "status", "wokr": "work", "tracert": "traceroute", "nosuch": "", "": "", "x": "",
	} {
		if got := Likely(written, known); got != want {
			t.Errorf("%q: got %q, want %q", written, got, want)
		}
	}
	if got := Likely("x", nil); got != "" {
		t.Errorf("nothing is known, and still %q", got)
	}
}
