package main

import (
	"errors"
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
	for _, c := range []struct{ given, want, hint string }{
		{"--socket s", "Missing command.", "See receptorctl --help."},
		{"--nosuch status", "No such option: --nosuch", "See receptorctl --help."},
		{"--sokcet s status", "No such option: --sokcet", "Did you mean --socket? See receptorctl --help."},
		{"work submit -nx", "No such option: -x", "See receptorctl work submit --help."},
		{"work submit cat --paylod f", "No such option: --paylod", "Did you mean --payload? See receptorctl work submit --help."},
		{"work status u --socket s", "No such option: --socket", "It belongs before the command: receptorctl --socket ... work status. See receptorctl work status --help."},
		{"ping bar --count", "Option --count requires an argument.", "See receptorctl ping --help."},
		{"status --json=1", "Option --json does not take a value.", "See receptorctl status --help."},
		{"ping bar --delay x", "'x' is not a valid float.", "It is the value of --delay. See receptorctl ping --help."},
		{"--insecureskipverify=perhaps status", "'perhaps' is not a valid boolean.", "It is the value of --insecureskipverify. See receptorctl --help."},
		{"work rlease u", "No such command 'rlease'.", "Did you mean receptorctl work release? See receptorctl work --help."},
	} {
		_, err := arrange((&tool{}).app(), strings.Fields(c.given))
		var f *failure
		if !errors.As(err, &f) || f.text != c.want || f.note != c.hint {
			t.Errorf("%q: got %+v, want %q, %q", c.given, f, c.want, c.hint)
		}
	}
}

func TestPingsThatCantBeSent(t *testing.T) {
	for _, args := range []string{"--count=-1", "--delay=-0.5", "--delay=nan"} {
		got := runCtl(t.Context(), strings.NewReader(""), "--socket", "/nonexistent", "ping", "x", args)
		got.want(t, "", "ERROR: --count and --delay can't be less than 0.\nSee receptorctl ping --help.\n", 1)
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
