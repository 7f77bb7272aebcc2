package config

import (
	"bytes"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func generated(t *testing.T, write func(*bytes.Buffer) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestReferenceIsCurrent(t *testing.T) {
	file := "../../../docs/configuration.md"
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != generated(t, func(b *bytes.Buffer) error { return WriteReference(b) }) {
		t.Errorf("%s is not what the table says: run make docs", file)
	}
}

// exampleNeeds is what examples name but do not hold.
var exampleNeeds = []string{
	"--tls-server", "name=mesh-server", "cert=c", "key=k", "--tls-client", "name=mesh-client", "cert=c", "key=k", "--work-verification", "/etc/receptor/work.pub",
}

// The examples of the reference are right, and the same in every form.
func TestExamples(t *testing.T) {
	for i := range table {
		a := &table[i]
		t.Run(a.name, func(t *testing.T) {
			it := a.example()
			if it == nil || it.action != a {
				t.Fatalf("%s has no good example in examples.go", a.name)
			}
			args := slices.Clone(examples[a.name])
			if a.section == backends || a.section == services || a.name == "work-command" || a.name == "work-kubernetes" {
				args = append(args, exampleNeeds...)
			}
			files := map[string]string{"/etc/receptor/work.key": "", "/etc/receptor/work.pub": ""}
			if c, err := Parse(args, world(files)); err != nil || len(c.Warnings) > 0 {
				t.Errorf("%q: %v", args, err)
			}
			texts := []string{it.listYAML()}
			if a.mappable() {
				texts = append(texts, it.mapYAML())
			}
			for _, text := range texts {
				s := &source{file: "f"}
				s.load(func(string) ([]byte, error) { return []byte(text), nil })
				if s.err() != nil || len(s.warnings) > 0 || len(s.items) != 1 || !reflect.DeepEqual(s.items[0].value, it.value) {
					t.Errorf("%s\n%v %q %+v", text, s.err(), s.warnings, s.items)
				}
			}
		})
	}
}

// The command line of an example is what a shell makes of it.
func TestExampleOfCommandLine(t *testing.T) {
	for name, words := range examples {
		a := find(name)
		if a == nil {
			continue
		}
		out, err := exec.Command("sh", "-c", `printf '%s\n' `+a.example().commandLine()).Output()
		if err != nil {
			t.Fatal(err)
		}
		p := &parser{}
		for rest := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n"); len(rest) > 0; {
			rest = p.step(rest)
		}
		if len(p.items) != 1 || !reflect.DeepEqual(p.items[0].value, a.example().value) {
			t.Errorf("%q gives %q", words, out)
		}
	}
}

func TestManualPage(t *testing.T) {
	page := generated(t, func(b *bytes.Buffer) error { return WriteManual(b) })
	for i := range table {
		if a := &table[i]; !strings.Contains(page, "\n.B "+roff("--"+a.name)+"\n") {
			t.Errorf("no %s", a.name)
		}
	}
	groff, err := exec.LookPath("groff")
	if err != nil {
		t.Skip("groff is missing: the page is not set")
	}
	cmd := exec.Command(groff, "-man", "-Tutf8", "-ww")
	cmd.Stdin = strings.NewReader(page)
	var warnings bytes.Buffer
	cmd.Stderr = &warnings
	if out, err := cmd.Output(); err != nil || warnings.Len() > 0 || !strings.Contains(string(out), "tcp-listener") {
		t.Errorf("%v\n%s", err, warnings.String())
	}
}
