package logging

import (
	"bytes"
	"unicode/utf8"

	"github.com/rs/zerolog"

	"receptor/actors/supervise/cut"
)

// whole are what is asked for as it is: it has a bound of its own.
var (
	wholeField   = []byte("stack")
	wholeMessage = []byte(`"PACKET TRACING ENABLED: `)
)

// cutEvent cuts the words in an event that are too long.
func cutEvent(event []byte) []byte {
	if len(event) <= cut.Max {
		return event
	}
	var out []byte
	done := 0
	for rest := event; ; {
		key, value, after := nextField(rest)
		if value == nil {
			break
		}
		rest = after
		if len(value) <= cut.Max || value[0] != '"' || bytes.Equal(key, wholeField) ||
			string(key) == zerolog.MessageFieldName && bytes.HasPrefix(value, wholeMessage) {
			continue
		}
		end := len(event) - len(after)
		out = append(out, event[done:end-len(value)]...)
		out = append(out, '"')
		out = appendCut(out, unquoted(value))
		out = append(out, '"')
		done = end
	}
	if done == 0 {
		return event
	}
	return append(out, event[done:]...)
}

// appendCut appends the inside of a JSON string. Of a word that is too long stays the
// beginning, and what tells it from others that begin alike.
func appendCut(b, text []byte) []byte {
	for len(text) > 0 {
		end := bytes.IndexByte(text, ' ') + 1
		if end == 0 {
			end = len(text)
		}
		word := bytes.TrimSuffix(text[:end], []byte(" "))
		if len(word) > cut.Max {
			kept := 0
			for kept < cut.Kept {
				kept += unit(word[kept:])
			}
			b = append(b, word[:kept]...)
			b = append(b, cut.Mark(word)...)
		} else {
			b = append(b, word...)
		}
		b = append(b, text[len(word):end]...)
		text = text[end:]
	}
	return b
}

// unit is the length of the character or escape that s begins with.
func unit(s []byte) int {
	switch {
	case s[0] == '\\' && len(s) > 5 && s[1] == 'u':
		return 6
	case s[0] == '\\' && len(s) > 1:
		return 2
	}
	_, size := utf8.DecodeRune(s)
	return size
}
