package unit

import "strings"

const (
	tailLines = 3
	tailBytes = 400
)

// LastLines are the last lines with text in them, on one line: as much of what a
// worker wrote as goes into a detail.
func LastLines(text string) string {
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
