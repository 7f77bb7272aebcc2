// Package foreign runs a node of another implementation beside the tests that need one.
package foreign

import (
	"errors"
	"os"
	"os/exec"
	"testing"
)

// Start runs the binary that RECEPTOR_PEER names, as a node with that ID and the given
// actions, until the end of the test. Without one it skips the test.
func Start(t *testing.T, id string, actions ...string) {
	t.Helper()
	StartIn(t, func(start func() error) error { return start() }, id, actions...)
}

// StartIn starts it where enter leads.
func StartIn(t *testing.T, enter func(func() error) error, id string, actions ...string) {
	t.Helper()
	binary := os.Getenv("RECEPTOR_PEER")
	if binary == "" {
		t.Skip("RECEPTOR_PEER names no binary of an existing node")
	}
	dir := t.TempDir()
	cmd := exec.Command(binary, append([]string{"--node", "id=" + id, "datadir=" + dir}, actions...)...)
	cmd.Dir = dir
	if err := enter(cmd.Start); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		var exit *exec.ExitError
		if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
			t.Error(err)
		}
	})
}
