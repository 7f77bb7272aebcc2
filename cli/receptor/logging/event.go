package logging

import (
	"bytes"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// nextField splits the first key and value off the rest of a flat JSON object.
// The value is as it stands there, strings with their quotes; nil at the end.
// The object comes from zerolog, so what isn't well-formed simply ends it.
func nextField(rest []byte) (key, value, after []byte) {
	start := bytes.IndexByte(rest, '"')
	if start < 0 {
		return nil, nil, nil
	}
	end := stringEnd(rest, start)
	if end >= len(rest) || rest[end] != ':' {
		return nil, nil, nil
	}
	key, rest = rest[start+1:end-1], rest[end+1:]
	end = valueEnd(rest)
	if end == 0 {
		return nil, nil, nil
	}
	return key, rest[:end], rest[end:]
}

// stringEnd is the index after the string whose first quote is at start.
func stringEnd(b []byte, start int) int {
	for i := start + 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

// valueEnd is the index after the value that b begins with: up to the comma or
// brace that belongs to the object around it.
func valueEnd(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			i = stringEnd(b, i) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			depth--
		case ',':
			if depth == 0 {
				return i
			}
		}
	}
	return len(b)
}

// unquoted is the inside of a JSON string, still escaped; any other value as it is.
func unquoted(value []byte) []byte {
	if len(value) < 2 || value[0] != '"' {
		return value
	}
	return value[1 : len(value)-1]
}

// appendPlain appends the inside of a JSON string as text for people: quotes and
// backslashes as such, control characters still escaped.
func appendPlain(b, s []byte) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			if next := s[i+1]; next == '"' || next == '\\' || next == '/' {
				i++
			}
			b = append(b, s[i])
			continue
		}
		if n := hidden(s[i:]); n > 0 {
			b = appendEscaped(b, s[i:i+n])
			i += n - 1
			continue
		}
		b = append(b, s[i])
	}
	return b
}

// appendValue appends a field's value: a string without its quotes if it can
// stand so, in JSON's quotes and escapes otherwise.
func appendValue(b, value []byte) []byte {
	if value[0] != '"' {
		return appendQuotedOrNot(b, value)
	}
	inside := unquoted(value)
	if len(inside) == 0 || bytes.ContainsAny(inside, " \\=\"") || bytes.ContainsFunc(inside, wide) {
		return appendQuotedOrNot(b, value)
	}
	return append(b, inside...)
}

// appendQuotedOrNot appends JSON as it is, but for characters that it leaves raw
// and a terminal does not.
func appendQuotedOrNot(b, value []byte) []byte {
	for i := 0; i < len(value); i++ {
		if n := hidden(value[i:]); n > 0 {
			b = appendEscaped(b, value[i:i+n])
			i += n - 1
			continue
		}
		b = append(b, value[i])
	}
	return b
}

// wide finds those characters beyond ASCII that hidden does.
func wide(r rune) bool {
	switch r {
	case 0x200c, 0x200d: // two joiners that some languages need
		return false
	}
	return r >= 0x80 && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// hidden is the length in bytes of the character s begins with, if it is one that
// JSON need not escape and that steers a terminal, turns the direction of the line
// or ends it; else 0.
func hidden(s []byte) int {
	if s[0] < utf8.RuneSelf {
		if s[0] < ' ' || s[0] == 0x7f {
			return 1
		}
		return 0
	}
	if r, size := utf8.DecodeRune(s); wide(r) {
		return size
	}
	return 0
}

// appendEscaped appends one character as JSON escapes it.
func appendEscaped(b, char []byte) []byte {
	r, _ := utf8.DecodeRune(char)
	if r > 0xffff {
		high, low := utf16.EncodeRune(r)
		return appendUnit(appendUnit(b, high), low)
	}
	return appendUnit(b, r)
}

func appendUnit(b []byte, r rune) []byte {
	const digits = "0123456789abcdef"
	return append(b, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
}
