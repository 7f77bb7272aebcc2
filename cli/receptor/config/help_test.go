package config

import (
	"bytes"
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

func TestHelp(t *testing.T) {
	var got bytes.Buffer
	if err := WriteHelp(&got, "receptor"); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/help.txt"
	if *rewrite {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("help differs from %s:\n%s", golden, got.String())
	}
}

// Names are part of a grammar: what looks them up relies on their form.
func TestTableIsConsistent(t *testing.T) {
	name := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	word := regexp.MustCompile(`^[a-z]+[0-9]*$`)
	seen := map[string]bool{"help": true, "config": true, "c": true, "h": true}
	for _, a := range table {
		if !name.MatchString(a.name) || seen[a.name] {
			t.Errorf("action name %q", a.name)
		}
		seen[a.name] = true
		bares := 0
		params := map[string]bool{}
		for _, p := range a.params {
			if !word.MatchString(p.name) || params[p.name] {
				t.Errorf("%s: parameter name %q", a.name, p.name)
			}
			params[p.name] = true
			if p.rules&bare != 0 {
				bares++
			}
			if !strings.HasSuffix(p.about, ".") {
				t.Errorf("%s: %s is not described by a sentence", a.name, p.name)
			}
			if !settable(a, p) {
				t.Errorf("%s: %s can't be set", a.name, p.name)
			}
			if _, text := p.at(a.fresh()).(*string); p.rules&(namesServer|namesClient) != 0 && !text {
				t.Errorf("%s: %s can't hold a name", a.name, p.name)
			}
		}
		if bares > 1 {
			t.Errorf("%s: %d bare parameters", a.name, bares)
		}
	}
}

func settable(a action, p param) bool {
	return slices.ContainsFunc([]string{"1", "{}", "[]"}, func(text string) bool { return setText(p.at(a.fresh()), text) == nil })
}

func TestNearestName(t *testing.T) {
	for written, want := range map[string]string{
		"tcp-peers": "tcp-peer", "loglevel": "log-level", "local_only": "local-only", "workcommand": "work-command",
		"contorl-service": "control-service", "udp-peers": "udp-peer", "tls-severs": "tls-server", "certmakereq": "cert-makereq", "vresion": "version", "hlep": "help", "confg": "config", "bogus": "node",
	} {
		if got := didYouMean(written, words()); !strings.Contains(got, `"`+want+`"`) {
			t.Errorf("%s:%s, want %s", written, got, want)
		}
	}
}
