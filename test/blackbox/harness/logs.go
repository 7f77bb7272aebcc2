package harness

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// signs of a broken invariant, or of an actor that hangs, in the log of a daemon.
var signs = []string{"unexpected message", "broken invariant", "panic", "did not stop in time"}

// SoundLogs looks for such signs in the logs of our daemons.
func (w *World) SoundLogs() error {
	logs, err := filepath.Glob(filepath.Join(w.Dir, "*.log"))
	problems := []error{err}
	for _, file := range logs {
		log, err := os.ReadFile(file)
		problems = append(problems, err)
		for line := range strings.Lines(string(log)) {
			if hasSign(line) {
				problems = append(problems, fmt.Errorf("%s: %s", filepath.Base(file), strings.TrimSpace(line)))
			}
		}
	}
	return errors.Join(problems...)
}

func hasSign(line string) bool {
	for _, sign := range signs {
		if strings.Contains(line, sign) {
			return true
		}
	}
	return false
}
