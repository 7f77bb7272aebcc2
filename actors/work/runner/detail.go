package runner

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// exitText says how a process ended, in the words that users know.
func exitText(exit syscall.WaitStatus) string {
	if !exit.Signaled() {
		return fmt.Sprintf("exit status %d", exit.ExitStatus())
	}
	text := "signal: " + exit.Signal().String()
	if exit.CoreDump() {
		text += " (core dumped)"
	}
	return text
}

const (
	tailLines = 3
	tailBytes = 400
)

// stderrTail is the end of what the command wrote to standard error.
func stderrTail(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	buf := make([]byte, 4096)
	info, err := f.Stat()
	if err != nil {
		return ""
	}
	n, err := f.ReadAt(buf, max(0, info.Size()-int64(len(buf))))
	if err != nil && !errors.Is(err, io.EOF) {
		return ""
	}
	return lastLines(string(buf[:n]))
}

// lastLines are the last lines with text in them, on one line.
func lastLines(text string) string {
	var lines []string
	for line := range strings.Lines(strings.ToValidUTF8(text, "?")) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	tail := strings.Join(lines[max(0, len(lines)-tailLines):], "; ")
	if len(tail) > tailBytes {
		tail = "…" + strings.ToValidUTF8(tail[len(tail)-tailBytes:], "")
	}
	return tail
}

// diskFull reports whether the file system has no block left.
func diskFull(path string) bool {
	var fs unix.Statfs_t
	return unix.Statfs(path, &fs) == nil && fs.Bavail == 0
}
