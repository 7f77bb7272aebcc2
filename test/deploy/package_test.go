package deploy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// wanted is in both packages.
var wanted = []string{
	"/usr/bin/receptor", "/usr/bin/receptor-runner", "/usr/bin/receptorctl",
	"/etc/receptor/receptor.conf",
	"/usr/lib/systemd/system/receptor.service", "/usr/lib/systemd/system/receptor@.service",
	"/usr/share/man/man1/receptor.1.gz", "/usr/share/man/man1/receptorctl.1.gz", "/usr/share/man/man1/receptorctl-work-submit.1.gz",
	"/usr/share/bash-completion/completions/receptor", "/usr/share/bash-completion/completions/receptorctl",
	"/usr/share/zsh/vendor-completions/_receptorctl", "/usr/share/fish/vendor_completions.d/receptorctl.fish",
	"/usr/lib/sysusers.d/receptor.conf", "/usr/share/doc/receptor/copyright",
}

// packageFile is the newest package of a kind.
func packageFile(t *testing.T, kind string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(made(t), "dist", "*."+kind))
	if err != nil || len(files) != 1 {
		t.Fatalf("want one %s: %v, %v", kind, files, err)
	}
	return files[0]
}

// install puts the deb into a root folder with a package database of its own.
func install(t *testing.T) string {
	t.Helper()
	needsRoot(t)
	needs(t, "dpkg", "systemd-sysusers")
	root := t.TempDir()
	for _, dir := range []string{"var/lib/dpkg/updates", "var/lib/dpkg/info", "etc"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "var/lib/dpkg/status"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "dpkg", "--root="+root, "--force-script-chrootless", "--force-depends", "--install", packageFile(t, "deb"))
	return root
}

func TestDebInstallsAndGoes(t *testing.T) {
	root := install(t)
	for _, path := range wanted {
		if _, err := os.Lstat(root + path); err != nil {
			t.Error(err)
		}
	}
	if group := read(t, root+"/etc/group"); !strings.Contains(group, "receptor:") {
		t.Errorf("no group receptor in %q", group)
	}
	run(t, root+"/usr/bin/receptor", "--version")
	run(t, root+"/usr/bin/receptorctl", "--version")
	run(t, "dpkg", "--root="+root, "--force-script-chrootless", "--purge", "receptor")
	for _, path := range wanted {
		if _, err := os.Lstat(root + path); err == nil {
			t.Errorf("%s is left after a purge", path)
		}
	}
}

// systemd-analyze returns 0 also for keys it doesn't know: it must print nothing.
func TestUnitsAreSound(t *testing.T) {
	needs(t, "systemd-analyze", "unshare")
	root := install(t)
	out := run(t, "unshare", "--mount", "sh", "-ec",
		"mount -t overlay overlay -o lowerdir="+root+"/usr:/usr /usr; "+
			"exec systemd-analyze verify --man=no receptor.service receptor@one.service")
	if out != "" {
		t.Errorf("systemd-analyze verify says:\n%s", out)
	}
}

func TestRPMHasTheSame(t *testing.T) {
	needs(t, "rpm")
	files := run(t, "rpm", "--query", "--list", "--package", packageFile(t, "rpm"))
	for _, path := range wanted {
		if !strings.Contains(files, path+"\n") {
			t.Errorf("%s is not in the rpm:\n%s", path, files)
		}
	}
}
