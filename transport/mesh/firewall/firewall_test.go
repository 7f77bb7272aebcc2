package firewall

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"receptor/transport/wire"
)

func svc(t testing.TB, name string) wire.Service {
	t.Helper()
	s, err := wire.ParseService(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func compile(t testing.TB, rules ...Rule) *Firewall {
	t.Helper()
	f, err := Compile(rules)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestDecide(t *testing.T) {
	cases := []struct {
		name  string
		rules []Rule
		msg   [4]string // from node, to node, from service, to service
		want  Action
	}{
		{"no rules", nil, [4]string{"a", "b", "x", "y"}, Accept},
		{"no match accepts", []Rule{{Action: "drop", FromNode: "z"}}, [4]string{"a", "b", "x", "y"}, Accept},
		{"only an action matches all", []Rule{{Action: "REJECT"}}, [4]string{"a", "b", "x", "y"}, Reject},
		{"an unknown node too", []Rule{{Action: "drop"}}, [4]string{"", "", "", ""}, Drop},
		{"the first match decides", []Rule{{Action: "accept", FromNode: "a"}, {Action: "drop"}}, [4]string{"a", "b", "x", "y"}, Accept},
		{"all criteria have to match", []Rule{{Action: "drop", FromNode: "a", ToService: "z"}}, [4]string{"a", "b", "x", "y"}, Accept},
		{"four criteria", []Rule{{"drop", "a", "b", "x", "y"}}, [4]string{"a", "b", "x", "y"}, Drop},
		{"from is not to", []Rule{{Action: "drop", FromNode: "a"}}, [4]string{"b", "a", "x", "y"}, Accept},
		{"case counts", []Rule{{Action: "drop", FromNode: "A"}}, [4]string{"a", "b", "x", "y"}, Accept},
		{"own ping", []Rule{{Action: "reject", ToNode: "foo", ToService: "ping"}}, [4]string{"foo", "foo", "abc", "ping"}, Reject},
		{"expression", []Rule{{Action: "reject", FromNode: "/a.*b/"}}, [4]string{"a-b", "b", "x", "y"}, Reject},
		{"expression matches whole names", []Rule{{Action: "reject", FromNode: "/foo/"}}, [4]string{"foobar", "b", "x", "y"}, Accept},
		{"alternatives are grouped", []Rule{{Action: "reject", FromNode: "/f|zzz/"}}, [4]string{"foo", "b", "x", "y"}, Accept},
		{"last alternative", []Rule{{Action: "reject", FromNode: "/f|zzz/"}}, [4]string{"zzz", "b", "x", "y"}, Reject},
		{"flags", []Rule{{Action: "reject", ToNode: "/(?i)a.*B/"}}, [4]string{"x", "AxxB", "x", "y"}, Reject},
		{"many lines do not loosen anchors", []Rule{{Action: "reject", ToNode: "/(?m)^b$/"}}, [4]string{"x", "a\nb", "x", "y"}, Accept},
		{"quoting stays inside", []Rule{{Action: "reject", ToNode: `/\Qa.b/`}}, [4]string{"x", "a.b", "x", "y"}, Reject},
		{"slash inside", []Rule{{Action: "reject", ToNode: "/a/b/"}}, [4]string{"x", "a/b", "x", "y"}, Reject},
		{"empty expression is the empty name", []Rule{{Action: "reject", ToNode: "//"}}, [4]string{"x", "b", "x", "y"}, Accept},
		{"service expression", []Rule{{Action: "drop", ToService: "/con.*/"}}, [4]string{"a", "b", "x", "control"}, Drop},
		{"service padding is no part", []Rule{{Action: "drop", FromService: "/x/"}}, [4]string{"a", "b", "x", "control"}, Drop},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := compile(t, c.rules...)
			for range 2 { // the second time from the cache
				if got := f.Decide(c.msg[0], c.msg[1], svc(t, c.msg[2]), svc(t, c.msg[3])); got != c.want {
					t.Errorf("got %s, want %s", got, c.want)
				}
			}
		})
	}
}

func TestNoRulesNoFirewall(t *testing.T) {
	if f, err := Compile([]Rule{}); f != nil || err != nil {
		t.Errorf("got %v, %v", f, err)
	}
}

func TestBadRules(t *testing.T) {
	cases := []struct{ list, want string }{
		{`[{"action":"zork"}]`, "error in rule 0: unknown action: zork"},
		{`[{}]`, "error in rule 0: unknown action: "},
		{`[{"action":"accept"},{"action":"drop","bogus":"x"}]`, "error in rule 1: invalid filewall rule. unknown key: bogus"},
		{`[{"action":"drop","fromnode":5}]`, "error in rule 0: invalid firewall rule. fromnode must be a string"},
		{`[{"action":"drop","tonode":null}]`, "error in rule 0: invalid firewall rule. tonode must be a string"},
		{`[{"action":"drop","tonode":"a","ToNode":"b"}]`, "error in rule 0: invalid firewall rule. tonode is given twice"},
		{`["drop"]`, "error in rule 0: invalid firewall rule. it must be a map of strings"},
		{`[{"action":"drop","fromnode":"/"}]`, "error in rule 0: fromnode: regular expression / has no closing slash"},
		{`[{"action":"drop","tonode":"/zzz"}]`, "error in rule 0: tonode: regular expression /zzz has no closing slash"},
		{`[{"action":"drop"},{"action":"drop","toservice":"/a(/"}]`, "error in rule 1: toservice: error parsing regexp: missing closing ): `a(`"},
		{`[{"action":"drop","fromnode":"/a)|(b/"}]`, "error in rule 0: fromnode: error parsing regexp: unexpected ): `a)|(b`"},
		{`[{"action":"drop","fromservice":"/a\\/"}]`, "error in rule 0: fromservice: error parsing regexp: trailing backslash at end of expression: ``"},
		{`[{"action":"drop","fromservice":"ninechars"}]`, "error in rule 0: fromservice: service name ninechars too long (at most 8 bytes)"},
	}
	for _, c := range cases {
		if _, err := fromText(c.list); err == nil || err.Error() != c.want {
			t.Errorf("%s:\n got %v\nwant %s", c.list, err, c.want)
		}
	}
}

func TestKeysInAnyCase(t *testing.T) {
	f, err := fromText(`[{"Action":"Drop","FromNode":"a","TOSERVICE":"control"}]`)
	if err != nil {
		t.Fatal(err)
	}
	if got := f.Decide("a", "b", svc(t, "x"), svc(t, "control")); got != Drop {
		t.Errorf("got %s", got)
	}
}

// fromText reads rules as a command line gives them.
func fromText(text string) (*Firewall, error) {
	var list []any
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, err
	}
	rules, err := Read(list)
	if err != nil {
		return nil, err
	}
	return Compile(rules)
}

// What was decided is remembered, for this flow and no other.
func TestCacheRemembers(t *testing.T) {
	f := compile(t,
		Rule{Action: "drop", FromNode: "/a/", ToNode: "b"},
		Rule{Action: "reject", FromService: "x"},
		Rule{Action: "reject", ToService: "y"})
	names, services := []string{"a", "b", "c"}, []wire.Service{svc(t, "x"), svc(t, "y"), svc(t, "zzzzzzzz")}
	for range 2 {
		for i := range 81 {
			m := message{names[i%3], names[i/3%3], services[i/9%3], services[i/27]}
			want := f.decide(&m)
			if got := f.Decide(m.fromNode, m.toNode, m.fromService, m.toService); got != want {
				t.Errorf("%v: got %s, want %s", m, got, want)
			}
			if got, ok := f.cache.get(f.cache.key(&m)); !ok || got != want {
				t.Errorf("%v: remembered is %s (%v), want %s", m, got, ok, want)
			}
		}
	}
}

// The cache never changes an answer, however many flows share it.
func TestCacheAgreesWithRules(t *testing.T) {
	f := compile(t,
		Rule{Action: "drop", FromNode: "/n[0-9]*7/", ToNode: "/n[0-9]*3/"},
		Rule{Action: "reject", ToService: "/s.*1/"},
		Rule{Action: "accept", FromNode: "n12"},
		Rule{Action: "reject", FromService: "s5"})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range 20000 {
				from, to := fmt.Sprintf("n%d", i%101), fmt.Sprintf("n%d", i%97)
				fs, ts := svc(t, fmt.Sprintf("s%d", i%13)), svc(t, fmt.Sprintf("s%d", i%7))
				m := message{from, to, fs, ts}
				for range 2 { // the second time it may be remembered
					if got, want := f.Decide(from, to, fs, ts), f.decide(&m); got != want {
						t.Errorf("%v: got %s, want %s", m, got, want)
						return
					}
				}
			}
		})
	}
	all.Wait()
}

func FuzzRules(f *testing.F) {
	f.Add(`[{"action":"drop","fromnode":"/a|b/"}]`, "a")
	f.Add(`[{"action":"reject","toservice":"/"}]`, "b")
	f.Add(`[{"action":"reject","fromnode":"/(?i)\\Qx/"}]`, "x")
	f.Fuzz(func(t *testing.T, text, name string) {
		fw, err := fromText(text)
		if err != nil {
			return
		}
		service := wire.Service{}
		copy(service[:], name)
		first := fw.Decide(name, name, service, service)
		if second := fw.Decide(name, name, service, service); first != second {
			t.Errorf("%s, then %s", first, second)
		}
	})
}

// A pattern matches a name if the bare expression matches all of it.
func FuzzPattern(f *testing.F) {
	f.Add("a|b", "b")
	f.Add("(?m)^b$", "a\nb")
	f.Add(`\Qa`, "a)$")
	f.Add(`(?i)k.*\b`, "K-x")
	f.Fuzz(func(t *testing.T, expression, name string) {
		pattern, err := compilePattern("tonode", "/"+expression+"/")
		if err != nil {
			return
		}
		bare := regexp.MustCompile(expression)
		bare.Longest()
		at := bare.FindStringIndex(name)
		want := at != nil && at[0] == 0 && at[1] == len(name)
		if got := pattern.MatchString(name); got != want {
			t.Errorf("%q on %q: got %v, want %v", expression, name, got, want)
		}
	})
}

func BenchmarkDecide(b *testing.B) {
	exact := make([]Rule, 4)
	for i := range exact {
		exact[i] = Rule{Action: "drop", FromNode: fmt.Sprintf("node-%d", i), ToService: "control"}
	}
	patterns := make([]Rule, 16)
	for i := range patterns {
		patterns[i] = Rule{Action: "drop", FromNode: fmt.Sprintf("/other%d.*/", i), ToService: "/con.*/"}
	}
	from, to := strings.Clone("worker-17.example.org"), strings.Clone("controller.example.org")
	fs, ts := svc(b, "aB3dE6gH"), svc(b, "control")
	for _, c := range []struct {
		name  string
		rules []Rule
	}{{"none", nil}, {"4 exact", exact}, {"16 expressions", patterns}} {
		f := compile(b, c.rules...)
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if f.Decide(from, to, fs, ts) != Accept {
					b.Fatal("dropped")
				}
			}
		})
	}
}
