package runner

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"receptor/actors/work/unit"
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
	return unit.LastLines(string(buf[:n]))
}

// diskFull reports whether the file system has no block left.
func diskFull(path string) bool {
	var fs unix.Statfs_t
	return unix.Statfs(path, &fs) == nil && fs.Bavail == 0
}
