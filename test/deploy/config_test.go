package deploy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// Every configuration that is shipped is one that the program takes.
func TestConfigurationsAreGood(t *testing.T) {
	texts := map[string]string{"kubernetes/node.yaml": configMap(t, source("deploy", "kubernetes", "node.yaml"))}
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

// configMap is the receptor.conf in a file of manifests.
func configMap(t *testing.T, file string) string {
	t.Helper()
	for _, document := range strings.Split(read(t, file), "\n---\n") {
		var m struct {
			Kind string
			Data map[string]string
		}
		if err := yaml.Unmarshal([]byte(document), &m); err != nil {
			t.Fatal(err)
		}
		if m.Kind == "ConfigMap" {
			return m.Data["receptor.conf"]
		}
	}
	t.Fatalf("%s has no ConfigMap", file)
	return ""
}
