package work

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"receptor/actors/work/unit"
)

const plugin = `
def export(form):
    def mark(f):
        f.receptor_export = True
        f.payload_type = form
        return f
    return mark

@export("bytes")
def shout(payload, config, results):
    print("noise")
    results.put({"out": payload.decode().upper(), "config": config})
    results.put("second")

@export("buffer")
def lines(payload, config, results):
    for line in payload:
        results.put(line.decode().strip())

@export("file")
def path(payload, config, results):
    results.put(open(payload).read())

@export("bytes")
def breaks(payload, config, results):
    results.put(1)
    raise ValueError("no such luck")

def hidden(payload, config, results):
    results.put("never")
`

// withPlugin installs a package for the workers of this test.
func withPlugin(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("/usr/bin/python3"); err != nil {
		t.Skip("there is no /usr/bin/python3")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"throwaway.py":                             plugin,
		"throwaway-1.0.dist-info/METADATA":         "Metadata-Version: 2.1\nName: throwaway\nVersion: 1.0\n",
		"throwaway-1.0.dist-info/entry_points.txt": "[receptor.worker]\nthrowaway = throwaway\nbroken = nosuchmodule\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PYTHONPATH", dir)
}

func TestPythonWorker(t *testing.T) {
	withPlugin(t)
	onStage(t, func(w *world) {
		python := func(kind, plugin, function string) PythonType {
			return PythonType{
				Type: kind, Plugin: plugin, Function: function, Interpreter: "/usr/bin/python3", Config: map[string]any{"n": 3},
			}
		}
		missing := python("missing", "throwaway", "shout")
		missing.Interpreter = "no-such-python"
		w.cfg.Python = []PythonType{
			python("shout", "throwaway", "shout"), python("lines", "throwaway", "lines"), python("path", "throwaway", "path"),
			python("breaks", "throwaway", "breaks"), python("hidden", "throwaway", "hidden"), python("nofunc", "throwaway", "nofunc"),
			python("noplug", "noplug", "f"), python("broken", "broken", "f"), missing,
		}
		w.up()
		cases := []struct {
			kind, output, detail string
			state                unit.State
		}{
			{"shout", `{"out": "A\nB\n", "config": {"n": 3, "params": ""}}` + "\n\"second\"\n", "Complete", unit.Succeeded},
			{"lines", "\"a\"\n\"b\"\n", "Complete", unit.Succeeded},
			{"path", `"a\nb\n"` + "\n", "Complete", unit.Succeeded},
			{"breaks", "1\n", "Error running worker: no such luck", unit.Failed},
			{"hidden", "", "Error loading worker: function hidden of plug-in throwaway is not exported", unit.Failed},
			{"nofunc", "", "Error loading worker: plug-in throwaway has no function nofunc", unit.Failed},
			{"noplug", "", "Error loading worker: no plug-in noplug in the group receptor.worker", unit.Failed},
			{"broken", "", "Error loading worker: No module named 'nosuchmodule'", unit.Failed},
			{"missing", "", `Error loading worker: exec: "no-such-python": executable file not found in $PATH`, unit.Failed},
		}
		for _, c := range cases {
			id := w.run(c.kind, "", "a\nb\n")
			w.final(id, c.state, c.detail)
			if got := w.results(id, 0); got != c.output {
				t.Errorf("%s: output %q", c.kind, got)
			}
			line, err := os.ReadFile(filepath.Join(w.dir(id).Path(), "stderr"))
			if c.kind == "shout" && (err != nil || strings.TrimSpace(string(line)) != "noise") {
				t.Errorf("standard error is %q, %v", line, err)
			}
		}
	})
}
