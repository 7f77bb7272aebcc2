package main

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"receptor/actors/supervise/cut"
)

// mark begins a sequence that this program means for the terminal. It is no part of
// any text: what nodes say is UTF-8, and mark is none.
const mark = "\xff"

// screen is what a text for people goes through on its way out. Names, reasons and
// details come from nodes that anyone may run; they are shown and steer nothing.
type screen struct{ w io.Writer }

func (s screen) Write(text []byte) (int, error) {
	if _, err := io.WriteString(s.w, strings.ReplaceAll(visible(string(text)), mark, "\x1b")); err != nil {
		return 0, err
	}
	return len(text), nil
}

// visible is text with what a terminal would obey, or nobody sees, written as JSON
// writes it; so JSON stays what it was. Line ends, tabs and marks are left.
func visible(text string) string {
	if strings.IndexFunc(text, hidden) < 0 {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1 && text[:1] != mark:
			b.WriteRune(utf8.RuneError)
		case size > 1 || text[:1] != mark:
			writeVisible(&b, r)
		default:
			b.WriteString(mark)
		}
		text = text[size:]
	}
	return b.String()
}

func writeVisible(b *strings.Builder, r rune) {
	switch {
	case !hidden(r) || r == utf8.RuneError:
		b.WriteRune(r)
	case r > 0xffff:
		high, low := utf16.EncodeRune(r)
		fmt.Fprintf(b, `\u%04x\u%04x`, high, low)
	default:
		fmt.Fprintf(b, `\u%04x`, r)
	}
}

// hidden are controls, those that turn the direction of writing or are a line end of
// their own, and bytes that are no text. The two joiners are needed for writing.
func hidden(r rune) bool {
	switch r {
	case '\n', '\t', 0x200c, 0x200d:
		return false
	case utf8.RuneError:
		return true
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// name is flat for what is one word, whatever is in it: a long one is cut.
func name(text string) string { return flat(cut.Word(text)) }

// flat is a name or a reason that begins no line of its own.
func flat(text string) string {
	return visible(strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(cut.Text(text)))
}

// escape is one escape of JSON.
var escape = regexp.MustCompile(`\\(?:["\\/]|u[0-9a-fA-F]{4}|.)`)

// stringJSON is one text in JSON.
var stringJSON = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// cutJSON is JSON whose long texts are cut: for people.
func cutJSON(reply json.RawMessage) json.RawMessage {
	return stringJSON.ReplaceAllFunc(reply, func(found []byte) []byte {
		var text string
		if len(found) <= cut.Max || json.Unmarshal(found, &text) != nil || len(text) <= cut.Max {
			return found
		}
		short, err := json.Marshal(cut.Word(text))
		if err != nil {
			return found // texts can be written
		}
		return short
	})
}

// flatJSON is JSON whose texts are visible, and a line each.
func flatJSON(reply json.RawMessage) json.RawMessage {
	return escape.ReplaceAllFunc([]byte(visible(string(reply))), func(found []byte) []byte {
		switch found[1] {
		case '"', '\\', '/':
			return found
		case 'u':
			code, err := strconv.ParseUint(string(found[2:]), 16, 16)
			if r := rune(code); err == nil && !hidden(r) && r != '\n' && r != '\t' {
				return found
			}
		}
		return append([]byte{'\\'}, found...)
	})
}

// word is an argument as a shell takes it.
func word(text string) string {
	plain := func(r rune) bool {
		return r > unicode.MaxASCII && unicode.IsPrint(r) || unicode.In(r, unicode.Letter, unicode.Digit) || strings.ContainsRune("@%+=:,./-_", r)
	}
	if text != "" && strings.IndexFunc(text, func(r rune) bool { return !plain(r) }) < 0 {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
