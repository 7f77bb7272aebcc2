//go:build linux

package netns

import (
	"bytes"
	"fmt"
	"os"
	"strconv"

	"receptor/test/blackbox/harness"
)

// memory reads a line such as VmRSS of what the kernel knows of a daemon, in bytes.
func memory(n *harness.Node, line string) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.PID()))
	if err != nil {
		return 0, err
	}
	for l := range bytes.Lines(text) {
		words := bytes.Fields(l)
		if len(words) == 3 && string(words[0]) == line+":" && string(words[2]) == "kB" {
			kib, err := strconv.ParseInt(string(words[1]), 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("no %s of %s in\n%s", line, n.ID, text)
}
