package smallfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, []byte("1234"), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, err := Read(file, 4); err != nil || string(data) != "1234" {
		t.Errorf("as long as may be: %q, %v", data, err)
	}
	if _, err := Read(file, 3); err == nil || !strings.Contains(err.Error(), file+" is larger than") {
		t.Errorf("one byte too long: %v", err)
	}
	if _, err := Read(file+"x", 3); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none: %v", err)
	}
}
