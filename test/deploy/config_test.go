package deploy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every configuration that is shipped is one that the program takes.
func TestConfigurationsAreGood(t *testing.T) {
	texts := map[string]string{}
	for _, pattern := range []string{"container/*.conf", "package/*.conf", "compose/*.conf"} {
		files, err := filepath.Glob(source("deploy", pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %v", pattern, files, err)
		}
		for _, file := range files {
			texts[strings.TrimPrefix(file, source("deploy")+"/")] = read(t, file)
		}
	}
	program := filepath.Join(made(t), "bin", "receptor")
	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			// Folders that the package or the image brings along.
			text = strings.NewReplacer("/run/receptor/", dir+"/", "/tmp/", dir+"/", "/var/lib/receptor", dir).Replace(text)
			file := filepath.Join(dir, "receptor.conf")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if out := run(t, program, "--config", file, "--check"); !strings.Contains(out, "The configuration is good") {
				t.Errorf("it says:\n%s", out)
			}
		})
	}
}
