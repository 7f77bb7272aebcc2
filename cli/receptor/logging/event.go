package logging

import "bytes"

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

// wide finds the characters that hidden does.
func wide(r rune) bool {
	return r >= 0x80 && r < 0xa0 || r == '\u2028' || r == '\u2029'
}

// hidden is the length in bytes of the character s begins with, if it is a
// control character or line end that JSON need not escape; else 0.
func hidden(s []byte) int {
	switch {
	case len(s) >= 2 && s[0] == 0xc2 && s[1] >= 0x80 && s[1] < 0xa0:
		return 2
	case len(s) >= 3 && s[0] == 0xe2 && s[1] == 0x80 && (s[2] == 0xa8 || s[2] == 0xa9):
		return 3
	case len(s) >= 1 && (s[0] < ' ' || s[0] == 0x7f):
		return 1
	}
	return 0
}

// appendEscaped appends one character as \uXXXX.
func appendEscaped(b, char []byte) []byte {
	const digits = "0123456789abcdef"
	r := []rune(string(char))[0]
	return append(b, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
}
