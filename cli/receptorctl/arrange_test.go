package main

import (
	"slices"
	"strings"
	"testing"
)

func TestOptionsMayStandAnywhere(t *testing.T) {
	for _, c := range []struct{ given, want string }{
		{"", ""},
		{"--socket s status --json", "--socket=s status --json"},
		{"--socket=s ping bar --count 2", "--socket=s ping --count=2 -- bar"},
		{"-cfile work list -q", "--config=file work list --quiet"},
		{"work submit -nf cat a -a k=v b", "work submit --no-payload --follow --param=k=v -- cat a b"},
		{"work submit cat -lhello -- -x --rm", "work submit --payload-literal=hello -- cat -x --rm"},
		{"work submit cat -p -", "work submit --payload=- -- cat"},
		{"work list --unit-id u", "work list --unit_id=u"},
		{"-- status", "status"},
		{"--insecureskipverify 1 version", "--insecureskipverify=1 version"},
		{"--insecureskipverify version", "--insecureskipverify=true version"},
		{"ping --help", "ping --help"},
		{"work", "work"},
	} {
		got, err := arrange((&tool{}).app(), strings.Fields(c.given))
		if err != nil || !slices.Equal(got, strings.Fields(c.want)) {
			t.Errorf("%q: got %q, %v; want %q", c.given, got, err, c.want)
		}
	}
}

func TestMisspeltOptionsAreNamed(t *testing.T) {
	for _, c := range []struct{ given, want string }{
		{"--nosuch status", "No such option: --nosuch"},
		{"work submit -nx", "No such option: -x"},
		{"ping bar --count", "Option --count requires an argument."},
		{"status --json=1", "Option --json does not take a value."},
		{"ping bar --delay x", "'x' is not a valid float."},
		{"--insecureskipverify=perhaps status", "'perhaps' is not a valid boolean."},
		{"work nosuch", "No such command 'nosuch'."},
	} {
		if _, err := arrange((&tool{}).app(), strings.Fields(c.given)); err == nil || err.Error() != c.want {
			t.Errorf("%q: got %v, want %q", c.given, err, c.want)
		}
	}
}

func TestHelpNeedsNoNode(t *testing.T) {
	for _, args := range []string{"", "--help", "status --help", "work", "work submit cat --help", "connect a b -h", "tree --help", "--version"} {
		got := runCtl(t.Context(), strings.NewReader(""), strings.Fields(args)...)
		if got.code != 0 || got.err != "" || got.out == "" {
			t.Errorf("%q: got %+v", args, got)
		}
	}
}
