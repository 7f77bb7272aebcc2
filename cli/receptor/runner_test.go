package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A daemon of the existing system runs its own program again for each unit of work. If
// that has been replaced by this one meanwhile, its work still gets done.
func TestBinaryRunsACommandForTheExistingSystem(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "status", `{"State":0,"Detail":"Launching command runner","StdoutSize":0,"WorkType":"cat","ExtraData":{"Pid":0,"Params":""}}`)
	write(t, dir, "stdin", "payload")
	r := runBinary(t, t.TempDir(), "--node", "id=worker", "--log-level", "info", "--command-runner",
		"command=sh", `params=-c "cat; echo = done"`, "unitdir="+dir)
	if r.status != 0 {
		t.Fatalf("%+v", r)
	}
	out, err := os.ReadFile(filepath.Join(dir, "stdout"))
	if err != nil || string(out) != "payload= done\n" {
		t.Errorf("output %q, %v", out, err)
	}
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil || !strings.Contains(string(status), `"State":2`) {
		t.Errorf("status %s, %v", status, err)
	}
}
