package cert

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"strings"
)

// Fingerprint is the SHA-256 or SHA-512 of a whole certificate, as its length
// says.
type Fingerprint []byte

// ParseFingerprints reads fingerprints in hex, in any case, with or without
// colons.
func ParseFingerprints(texts []string) ([]Fingerprint, error) {
	var pins []Fingerprint
	for _, text := range texts {
		pin, err := hex.DecodeString(strings.ReplaceAll(text, ":", ""))
		if err != nil {
			return nil, errors.New("error decoding fingerprint")
		}
		if len(pin) != sha256.Size && len(pin) != sha512.Size {
			return nil, errors.New("fingerprints must be 32 or 64 bytes for sha256 or sha512")
		}
		pins = append(pins, pin)
	}
	return pins, nil
}

// Matches reports whether der is the certificate the fingerprint was taken of.
func (f Fingerprint) Matches(der []byte) bool {
	switch len(f) {
	case sha256.Size:
		return [sha256.Size]byte(f) == sha256.Sum256(der)
	case sha512.Size:
		return [sha512.Size]byte(f) == sha512.Sum512(der)
	}
	return false
}
