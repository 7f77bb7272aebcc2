package runner

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"receptor/actors/work/unit"
)

// copied is a small program that a test may spoil.
func copied(t *testing.T) string {
	t.Helper()
	return placed(t, content(t, small), 0o755)
}

func placed(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "receptor-runner")
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// found looks for the small program; problems are what is reported.
func found(t *testing.T, path, version string) (p *Program, problems chan error) {
	t.Helper()
	problems = make(chan error, 10)
	p = Find(path, version, []string{"/proc/self/exe"}, func(err error) { problems <- err })
	t.Cleanup(p.Close)
	return p, problems
}

// runs proves that a unit is done, and returns the program that did it.
func runs(t *testing.T, p *Program) string {
	t.Helper()
	d := newDir(t, "")
	child, err := p.Start(d, Job{Command: "sleep", Params: "100"})
	if err != nil {
		t.Fatal(err)
	}
	defer child.Close()
	until(t, "the command runs", func() bool {
		who, known, err := ReadProcesses(d)
		return known && err == nil && who.Command.Pid != 0
	})
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", child.Identity.Pid))
	if err != nil {
		t.Error(err)
	}
	if comm := content(t, fmt.Sprintf("/proc/%d/comm", child.Identity.Pid)); comm != name+"\n" {
		t.Errorf("process lists show %q", comm)
	}
	inherited(t, child.Identity.Pid)
	if err := child.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	wait(t, child)
	if r := read(t, d); r.Detail != unit.DetailKilled {
		t.Errorf("ended as %+v", r)
	}
	return strings.TrimSuffix(exe, " (deleted)")
}

// inherited complains of descriptors of programs: a runner must not keep one.
func inherited(t *testing.T, pid int) {
	t.Helper()
	folder := fmt.Sprintf("/proc/%d/fd", pid)
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if target, err := os.Readlink(filepath.Join(folder, f.Name())); err == nil && strings.HasPrefix(filepath.Base(target), name) {
			t.Errorf("the runner holds %s", target)
		}
	}
}

func own(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheSmallProgramOutlivesItsFile(t *testing.T) {
	path := copied(t)
	p, problems := found(t, path, testVersion)
	until(t, "the small program is in use", p.Small)
	if got := runs(t, p); got != path {
		t.Errorf("%s runs units, not %s", got, path)
	}
	if err := os.Rename(placed(t, "#!/bin/sh\nexit 1\n", 0o755), path); err != nil {
		t.Fatal(err)
	}
	if got := runs(t, p); got != path || !p.Small() {
		t.Errorf("%s runs units after its file was replaced", got)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if got := runs(t, p); got != path {
		t.Errorf("%s runs units after its file was removed", got)
	}
	if len(problems) > 0 {
		t.Error(<-problems)
	}
}

func TestTheOwnProgramRunsUnitsWithoutASmallOne(t *testing.T) {
	for _, path := range []string{"", filepath.Join(t.TempDir(), "receptor-runner")} {
		p, problems := found(t, path, testVersion)
		if got := runs(t, p); got != own(t) {
			t.Errorf("%q: %s runs units", path, got)
		}
		p.Close()
		if len(problems) > 0 {
			t.Error(<-problems)
		}
	}
}

func TestSmallProgramsThatDoNotFitAreRefusedOnce(t *testing.T) {
	for name, c := range map[string]struct {
		path, version string
		is            error
	}{
		"another build":  {copied(t), testVersion + "x", ErrOther},
		"another thing":  {placed(t, "#!/bin/sh\necho hello\n", 0o755), testVersion, nil},
		"not executable": {placed(t, "x", 0o644), testVersion, os.ErrPermission},
		"not a program":  {placed(t, "x", 0o755), testVersion, syscall.ENOEXEC},
	} {
		p, problems := found(t, c.path, c.version)
		if err := <-problems; c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v", name, err)
		}
		if got := runs(t, p); got != own(t) || p.Small() {
			t.Errorf("%s: %s runs units", name, got)
		}
		if len(problems) > 0 {
			t.Errorf("%s: again: %v", name, <-problems)
		}
	}
}

// Writing into the file, instead of putting another in its place, changes what the
// descriptor leads to.
func TestASmallProgramThatIsWrittenOverIsNotUsed(t *testing.T) {
	path := copied(t)
	p, problems := found(t, path, testVersion)
	until(t, "the small program is in use", p.Small)
	if err := os.WriteFile(path, []byte("#!/bin/sh\nexit 1\n"), 0o755); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	if got := runs(t, p); got != own(t) {
		t.Errorf("%s runs units", got)
	}
	if err := <-problems; !strings.Contains(err.Error(), "written over") {
		t.Error(err)
	}
}

func TestCloseDoesNotWaitForASmallProgramThatHangs(t *testing.T) {
	p, problems := found(t, placed(t, "#!/bin/sh\nexec sleep 100\n", 0o755), testVersion)
	p.Close()
	if len(problems) > 0 || p.Small() {
		t.Error("it was used, or complained about")
	}
}
