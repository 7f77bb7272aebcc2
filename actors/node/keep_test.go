package node

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestEpochNeverGoesBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data", "a")
	now := time.Unix(1_800_000_000, 0)
	first, err := nextEpoch(dir, now)
	if err != nil || first>>24 != 1_800_000_000 {
		t.Fatalf("first: %d, %v", first, err)
	}
	second, err := nextEpoch(dir, now.Add(-24*time.Hour))
	if err != nil || second != first+1 {
		t.Errorf("clock set back: %d after %d, %v", second, first, err)
	}
	third, err := nextEpoch(dir, now.Add(time.Hour))
	if err != nil || third>>24 != 1_800_003_600 {
		t.Errorf("clock right again: %d, %v", third, err)
	}
}

func TestEpochSurvivesABadFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, epochFile), []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	if e, err := nextEpoch(dir, time.Unix(1_800_000_000, 0)); err != nil || e>>24 != 1_800_000_000 {
		t.Errorf("got %d, %v", e, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if e, err := nextEpoch(filepath.Join(dir, "file"), time.Unix(1_800_000_000, 0)); err == nil || e>>24 != 1_800_000_000 {
		t.Errorf("a file for a directory: %d, %v", e, err)
	}
}

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
