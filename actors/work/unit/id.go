package unit

import "io"

const (
	idAlphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	idLen      = 8
)

// NewID draws a unit ID; random is a cryptographic source.
func NewID(random io.Reader) (string, error) {
	id := make([]byte, 0, idLen)
	var draw [1]byte
	for len(id) < idLen {
		if _, err := io.ReadFull(random, draw[:]); err != nil {
			return "", err
		}
		// The largest multiple of 62 below 256: all characters are equally likely.
		if draw[0] < 248 {
			id = append(id, idAlphabet[draw[0]%62])
		}
	}
	return string(id), nil
}

// ValidID reports whether an ID from outside may be used in a path. Existing
// directories may have other lengths than ours.
func ValidID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for _, c := range []byte(id) {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z') {
			return false
		}
	}
	return true
}
