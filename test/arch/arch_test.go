package arch

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

func packages(t *testing.T) []pkg {
	t.Helper()
	list, err := listPackages(root)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func complain(t *testing.T, found []string) {
	t.Helper()
	for _, text := range found {
		t.Error(text)
	}
}

func TestImportsRunOneWay(t *testing.T) {
	complain(t, broken(packages(t)))
}

func TestPurePackagesTouchNothing(t *testing.T) {
	list := packages(t)
	complain(t, impure(list))
	for _, folder := range pure {
		if !slices.ContainsFunc(list, func(p pkg) bool { return p.ImportPath == module+"/"+folder }) {
			t.Errorf("%s is listed as pure and does not exist", folder)
		}
	}
}

func TestPackagesSayWhatTheyAre(t *testing.T) {
	for _, p := range packages(t) {
		if p.Doc == "" && len(p.GoFiles) > 0 && !below(p.ImportPath, "receptor/proto") {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
	}
}

func TestSources(t *testing.T) {
	all, err := readSources(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("only %d files found", len(all))
	}
	for _, s := range all {
		complain(t, tooLong(s))
		complain(t, notes(s))
		complain(t, worldly(s))
		complain(t, sleeps(s))
	}
}

func TestProductHasNoTools(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	tools := regexp.MustCompile(`(?m)^tool\b|bufbuild/buf |golangci-lint|honnef\.co/go/tools|golang\.org/x/perf|^replace\b`)
	if found := tools.FindString(string(text)); found != "" {
		t.Errorf("go.mod of the product names %q; tools have a module of their own", found)
	}
}

// What follows proves that the checks can fail.

func TestRulesFindWhatTheyForbid(t *testing.T) {
	cases := []struct{ importer, imported, want string }{
		{"transport/mesh", "receptor/actors/links", "transport moves bytes"},
		{"transport/tcp", "receptor/proto/links/v1", "transport moves bytes"},
		{"proto/links/v1", "receptor/transport", "messages depend"},
		{"actors/links", "receptor/actors/router", "families talk in messages"},
		{"actors/control", "receptor/actors/work", ""},
		{"actors/control", "receptor/actors/work/unit", "families talk in messages"},
		{"actors/work", "receptor/actors/work/unit", ""},
		{"actors/node", "receptor/actors/work", ""},
		{"actors/router", "receptor/actors/supervise", ""},
		{"actors/links", "receptor/transport", ""},
		{"cli/receptor", "receptor/actors/node", ""},
		{"cli/receptor", "receptor/actors/links", "starts the node"},
		{"cli/receptorctl", "receptor/actors/node", "socket only"},
		{"actors/node", actorLibrary + "/remote", "another library"},
		{"cli/receptor", "github.com/spf13/cobra", "another library"},
	}
	for _, c := range cases {
		got := strings.Join(broken([]pkg{{ImportPath: module + "/" + c.importer, Imports: []string{c.imported}}}), "\n")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s imports %s: found %q, want %q", c.importer, c.imported, got, c.want)
		}
	}
}

func TestImpureFindsTheWorld(t *testing.T) {
	cases := map[string]bool{
		"net": true, "os": true, "net/http": true, "math/rand/v2": true, actorLibrary + "/actor": true,
		"receptor/transport/mesh": true, "receptor/transport/wire": false, "receptor/proto/work/v1": false,
		"time": false, "encoding/json": false, "net/url": false,
	}
	for imported, want := range cases {
		got := impure([]pkg{{ImportPath: "receptor/actors/router/route", Imports: []string{imported}}})
		if (len(got) > 0) != want {
			t.Errorf("%s: found %q, want any: %v", imported, got, want)
		}
	}
}

func TestSourceChecksFindWhatTheyForbid(t *testing.T) {
	cases := []struct {
		name, path, body string
		check            func(source) []string
		want             int
	}{
		{"note", "a.go", "// TODO later\nfunc f() {}", notes, 1},
		{"word in code", "a.go", `var s = "TODO"`, notes, 0},
		{"long", "a.go", strings.Repeat("\n", maxLines), tooLong, 1},
		{"clock", "transport/wire/a.go", "func f() { time.Now() }", worldly, 1},
		{"clock elsewhere", "transport/mesh/a.go", "func f() { time.Now() }", worldly, 0},
		{"duration", "transport/wire/a.go", "var d = time.Second", worldly, 0},
		{"goroutine", "transport/frame/a.go", "func f() { go f() }", worldly, 1},
		{"sleep", "a_test.go", "func f() { time.Sleep(1) }", sleeps, 1},
		{"sleep in the product", "a.go", "func f() { time.Sleep(1) }", sleeps, 0},
		{"poll", "a_test.go", "func f() { for !ok() { time.Sleep(1) } }", sleeps, 0},
		{"bubble", "a_test.go", "func f() { probe.Bubble(t, func() { time.Sleep(1) }) }", sleeps, 0},
		{"synctest", "a_test.go", "func f() { synctest.Test(t, func() { time.Sleep(1) }) }", sleeps, 0},
		{"live", "a_test.go", "func f() { probe.Live(t, func() { time.Sleep(1) }) }", sleeps, 1},
		{"helper", "a_test.go", "// f lets fake time pass.\nfunc f() { time.Sleep(1) }", sleeps, 0},
	}
	for _, c := range cases {
		s, err := parse(c.path, "package a\n\n"+c.body+"\n")
		if err != nil {
			t.Fatal(err)
		}
		if got := c.check(s); len(got) != c.want {
			t.Errorf("%s: found %q, want %d", c.name, got, c.want)
		}
	}
}
