package config

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
)

// WriteSummary writes a line for each thing that is asked for, in the words of the
// command line. Values that may be secret are not shown.
func (c *Config) WriteSummary(w io.Writer) error {
	var b strings.Builder
	for _, it := range c.items {
		b.WriteString("  " + it.action.name)
		for i := range it.action.params {
			p := &it.action.params[i]
			switch {
			case it.action.is&implied != 0 && p.name == "id":
				fmt.Fprintf(&b, " id=%s", quoted(c.Node.ID))
			case it.given[p] && p.rules&secret != 0:
				fmt.Fprintf(&b, " %s=(not shown)", p.name)
			case it.given[p]:
				fmt.Fprintf(&b, " %s=%s", p.name, quoted(written(p.at(it.value))))
			}
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// written is a value as the command line takes it.
func written(at any) string {
	switch v := at.(type) {
	case *string:
		return *v
	case *int:
		return strconv.Itoa(*v)
	case *fs.FileMode:
		return fmt.Sprintf("%#o", uint32(*v))
	case *float64:
		return strconv.FormatFloat(*v, 'f', -1, 64)
	case *bool:
		return strconv.FormatBool(*v)
	}
	text, err := json.Marshal(at)
	if err != nil {
		return "(not shown)"
	}
	return string(text)
}

// quoted is a word as a shell would need it.
func quoted(text string) string {
	if text != "" && !strings.ContainsAny(text, " \t\n\r\"'`$&|;<>()*?[]{}!#~\\") && strconv.Quote(text) == `"`+text+`"` {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
