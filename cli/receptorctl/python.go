package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
)

// pythonText writes JSON the way the Python client prints a dictionary: scripts
// have learnt to read it.
func pythonText(raw json.RawMessage) (string, error) {
	trimmed := strings.TrimSpace(string(raw))
	switch {
	case trimmed == "" || trimmed == "null":
		return "None", nil
	case trimmed == "true":
		return "True", nil
	case trimmed == "false":
		return "False", nil
	case trimmed[0] == '{':
		return pythonDict(raw)
	case trimmed[0] == '[':
		return pythonList(raw)
	case trimmed[0] == '"':
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return "", err
		}
		return pythonString(s), nil
	}
	return trimmed, nil // a number
}

func pythonDict(raw json.RawMessage) (string, error) {
	var object members[json.RawMessage]
	if err := json.Unmarshal(raw, &object); err != nil {
		return "", err
	}
	parts := make([]string, len(object))
	for i, m := range object {
		value, err := pythonText(m.value)
		if err != nil {
			return "", err
		}
		parts[i] = pythonString(m.name) + ": " + value
	}
	return "{" + strings.Join(parts, ", ") + "}", nil
}

func pythonList(raw json.RawMessage) (string, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return "", err
	}
	parts := make([]string, len(list))
	for i, item := range list {
		value, err := pythonText(item)
		if err != nil {
			return "", err
		}
		parts[i] = value
	}
	return "[" + strings.Join(parts, ", ") + "]", nil
}

// pythonString quotes with ', or with " if the text holds ' and no ".
func pythonString(s string) string {
	quote := '\''
	if strings.ContainsRune(s, '\'') && !strings.ContainsRune(s, '"') {
		quote = '"'
	}
	var b strings.Builder
	b.WriteRune(quote)
	for _, r := range s {
		switch {
		case r == quote || r == '\\':
			b.WriteRune('\\')
			b.WriteRune(r)
		case r == '\n' || r == '\r' || r == '\t':
			b.WriteString(escapes[r])
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r <= 0xff:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteRune(quote)
	return b.String()
}
