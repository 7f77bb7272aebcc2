package pod

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

const maxLabel = 63

// LabelValue is a node ID as a label can hold it. IDs that don't fit get a hash of
// the ID at their end, so that no two are the same.
func LabelValue(id string) string {
	fits := len(id) <= maxLabel && id != "" && alnum(rune(id[0])) && alnum(rune(id[len(id)-1]))
	value := strings.Map(func(r rune) rune {
		if alnum(r) || r == '-' || r == '_' || r == '.' {
			return r
		}
		fits = false
		return '_'
	}, id)
	if fits {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	hash := hex.EncodeToString(sum[:8])
	value = strings.TrimLeft(value[:min(len(value), maxLabel-len(hash)-1)], "-_.")
	if value == "" {
		return hash
	}
	return value + "-" + hash
}

func alnum(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}
