package node

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestFolderHasOneNode(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data", "a")
	first, err := lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	var inUse *InUseError
	if _, err := lock(dir); !errors.As(err, &inUse) || inUse.Dir != dir {
		t.Errorf("second: %v", err)
	}
	unlock(first)
	second, err := lock(dir)
	if err != nil {
		t.Errorf("after the first: %v", err)
	}
	unlock(second)
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := lock(file); err == nil || errors.As(err, &inUse) {
		t.Errorf("a file for a directory: %v", err)
	}
}
