package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
)

// indent prints JSON with sorted keys, four blanks a level and nothing but ASCII.
// Numbers stay as they were written.
func indent(raw json.RawMessage) (string, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return "", fmt.Errorf("read JSON: %w", err)
	}
	var b strings.Builder
	writeValue(&b, value, "\n")
	b.WriteByte('\n')
	return b.String(), nil
}

// writeValue prints value; nl is the line end with the indentation of this level.
func writeValue(b *strings.Builder, value any, nl string) {
	switch v := value.(type) {
	case map[string]any:
		writeObject(b, v, nl)
	case []any:
		writeArray(b, v, nl)
	case string:
		writeString(b, v)
	case nil:
		b.WriteString("null")
	default:
		fmt.Fprint(b, v) // bool, json.Number
	}
}

func writeObject(b *strings.Builder, object map[string]any, nl string) {
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	inner := nl + "    "
	for i, name := range names {
		b.WriteString(separator(i, "{") + inner)
		writeString(b, name)
		b.WriteString(": ")
		writeValue(b, object[name], inner)
	}
	if len(names) == 0 {
		b.WriteString("{}")
		return
	}
	b.WriteString(nl + "}")
}

func writeArray(b *strings.Builder, array []any, nl string) {
	inner := nl + "    "
	for i, value := range array {
		b.WriteString(separator(i, "[") + inner)
		writeValue(b, value, inner)
	}
	if len(array) == 0 {
		b.WriteString("[]")
		return
	}
	b.WriteString(nl + "]")
}

func separator(i int, first string) string {
	if i == 0 {
		return first
	}
	return ","
}

var escapes = map[rune]string{
	'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\b': `\b`, '\f': `\f`,
}

func writeString(b *strings.Builder, s string) {
	b.WriteByte('"')
	for _, r := range s {
		switch short, ok := escapes[r]; {
		case ok:
			b.WriteString(short)
		case r >= ' ' && r <= '~':
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
}

// reporting is what --json asks of the end of a command.
type reporting struct {
	json bool
	told bool // the answer is out, and says itself what went wrong
}

// asksForJSON reads the command line before it is understood, as far as it can be.
func asksForJSON(args []string) bool {
	if i := slices.Index(args, "--"); i >= 0 {
		args = args[:i]
	}
	return slices.Contains(args, "--json")
}

// failJSON is one line on standard output in place of the answer, or after its first
// part. People read the same on standard error.
func (t *tool) failJSON(f *failure) {
	if t.report == nil || !t.report.json || t.report.told || f.text == "" {
		return
	}
	var b strings.Builder
	b.WriteString(`{"error": `)
	writeString(&b, f.text)
	if f.note != "" {
		b.WriteString(`, "note": `)
		writeString(&b, f.note)
	}
	if err := t.printWhole(b.String() + "}\n"); err != nil {
		t.warn(err.Error())
	}
}

// answered says that the answer is out.
func (t *tool) answered() {
	if t.report != nil {
		t.report.told = true
	}
}

// printJSON prints a reply, or anything that can be one.
func (t *tool) printJSON(value any) error {
	raw, ok := value.(json.RawMessage)
	if !ok {
		encoded, err := json.Marshal(value)
		if err != nil {
			return fmt.Errorf("encode JSON: %w", err)
		}
		raw = encoded
	}
	text, err := indent(raw)
	if err != nil {
		return err
	}
	t.answered()
	return t.printWhole(text)
}

// members is a JSON object whose order counts.
type members[T any] []member[T]

type member[T any] struct {
	name  string
	value T
}

// UnmarshalJSON keeps the order in which the members were written.
func (m *members[T]) UnmarshalJSON(data []byte) error {
	*m = nil
	dec := json.NewDecoder(bytes.NewReader(data))
	if first, err := dec.Token(); err != nil || first == nil {
		return err // null is an empty object
	} else if first != json.Delim('{') {
		return fmt.Errorf("read JSON: %v where an object should begin", first)
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		one := member[T]{name: name.(string)} // the decoder checks that names are strings
		if err := dec.Decode(&one.value); err != nil {
			return err
		}
		*m = append(*m, one)
	}
	return nil
}
