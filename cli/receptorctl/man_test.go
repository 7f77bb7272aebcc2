package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// plainRoff is the text of a page without its escapes.
func plainRoff(text string) string {
	return strings.NewReplacer(`\-`, "-", `\fB`, "", `\fP`, "", `\(aq`, "'", `\e`, `\`).Replace(text)
}

func TestEveryCommandAndOptionHasItsPlaceInTheManual(t *testing.T) {
	app := (&tool{}).app()
	dir := t.TempDir()
	if got := runCtl(t.Context(), strings.NewReader(""), "man", dir); got.code != 0 || got.err != "" || got.out != "" {
		t.Fatalf("got %+v", got)
	}
	page := func(file string) string {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		return plainRoff(string(text))
	}
	options := func(file string, flags []cli.Flag) {
		for _, f := range flags {
			for _, name := range f.Names() {
				if len(name) > 1 && name == f.Names()[0] && !strings.Contains(page(file), "--"+name) {
					t.Errorf("%s does not have --%s", file, name)
				}
			}
		}
	}
	top := page("receptorctl.1")
	options("receptorctl.1", app.Flags)
	seen := 0
	eachCommand("receptorctl", app.Commands, func(name string, c *cli.Command) {
		seen++
		file := strings.ReplaceAll(name, " ", "-") + ".1"
		options(file, c.Flags)
		if !strings.Contains(page(file), c.Usage) || !strings.Contains(page(file), name) {
			t.Errorf("%s does not say what it is", file)
		}
		if !strings.Contains(top, strings.TrimSuffix(file, ".1")+"(1)") {
			t.Errorf("receptorctl.1 does not refer to %s", file)
		}
	})
	if files, err := os.ReadDir(dir); err != nil || len(files) != seen+1 || seen < 15 {
		t.Errorf("%d commands and %d files, %v", seen, len(files), err)
	}
	if !strings.Contains(top, "RECEPTORCTL_SOCKET") || !strings.Contains(top, "NO_COLOR") {
		t.Error("receptorctl.1 says nothing of the environment")
	}
}

func TestManPagesAreSound(t *testing.T) {
	if _, err := exec.LookPath("man"); err != nil {
		t.Skip("no man on this machine")
	}
	dir := t.TempDir()
	runCtl(t.Context(), strings.NewReader(""), "man", dir).want(t, "", "", 0)
	files, err := filepath.Glob(dir + "/*.1")
	if err != nil || len(files) == 0 {
		t.Fatal("no pages: ", err)
	}
	var all []byte // man takes its time for each file
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text...)
	}
	together := filepath.Join(dir, "all.1")
	if err := os.WriteFile(together, all, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "man", "--warnings", "-E", "UTF-8", "-Tutf8", "-Z", "-l", together)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Run(); err != nil || errs.Len() > 0 {
		t.Errorf("%v: %s", err, errs.String())
	}
}

func TestManPageOfTheProgramIsPrinted(t *testing.T) {
	got := runCtl(t.Context(), strings.NewReader(""), "man")
	if got.code != 0 || !strings.Contains(got.out, ".TH RECEPTORCTL 1 ") {
		t.Errorf("got %+v", got)
	}
	if got := runCtl(t.Context(), strings.NewReader(""), "man", "/nonexistent"); got.code != 1 || !strings.Contains(got.err, "/nonexistent") {
		t.Errorf("got %+v", got)
	}
}

// A stream to a service is no answer, and a script for a shell is not one either.
func TestEveryAnswerCanBeJSON(t *testing.T) {
	app := (&tool{}).app()
	eachCommand("", app.Commands, func(name string, c *cli.Command) {
		if name != " connect" && name != " completion" && find(c.Flags, "json") == nil {
			t.Errorf("%s has no --json", name)
		}
	})
}
