package kube

import (
	"strconv"
	"strings"
)

// StampsWork reports whether logs with time stamps can be trusted: old servers put
// stamps into the middle of long lines. The node's setting decides where there is one.
func (s Settings) StampsWork(version string) bool {
	switch strings.ToLower(s.Reconnect) {
	case "enabled", "auto":
		return true
	case "":
		return fixed(version)
	default:
		return false
	}
}

// fixed knows the releases that have the fix.
func fixed(version string) bool {
	version, _, _ = strings.Cut(strings.TrimPrefix(version, "v"), "-")
	version, _, _ = strings.Cut(version, "+")
	var n [3]int
	parts := strings.Split(version, ".")
	if len(parts) < len(n) {
		return false
	}
	for i := range n {
		var err error
		if n[i], err = strconv.Atoi(parts[i]); err != nil {
			return false
		}
	}
	since := map[int]int{23: 14, 24: 8, 25: 4}
	patch, old := since[n[1]]
	return n[0] > 1 || n[0] == 1 && (n[1] > 25 || old && n[2] >= patch)
}
