// Package cut shortens what others choose the length of, as names of nodes, for people:
// the beginning stays, and what tells a word from others that begin alike.
package cut

import (
	"crypto/sha256"
	"fmt"
	"strings"
)

const (
	// Max is how long a word may be, in bytes. Names of nodes and services have no bound
	// of their own; those of hosts are shorter.
	Max = 256
	// Kept is what is left of a longer one.
	Kept = 128
)

// Mark stands where a word is cut: for its length, and what tells it from others.
func Mark(word []byte) string {
	return fmt.Sprintf("…(%d bytes, %.8x)", len(word), sha256.Sum256(word))
}

// Word cuts a word that is too long.
func Word(word string) string {
	if len(word) <= Max {
		return word
	}
	return strings.ToValidUTF8(word[:Kept], "") + Mark([]byte(word))
}

// Text cuts the words of a text. Blanks and line ends are between them, and bytes 0xff,
// which no text has.
func Text(text string) string {
	if len(text) <= Max {
		return text
	}
	var b strings.Builder
	for text != "" {
		end := strings.IndexAny(text, " \t\r\n")
		if end < 0 {
			end = len(text)
		}
		if mark := strings.IndexByte(text[:end], 0xff); mark >= 0 {
			end = mark
		}
		b.WriteString(Word(text[:end]))
		if end < len(text) {
			end++
			b.WriteByte(text[end-1])
		}
		text = text[end:]
	}
	return b.String()
}
