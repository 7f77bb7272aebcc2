package docs

import (
	"fmt"
	"regexp"
	"strings"
)

// page is what is run of a page.
type page struct {
	files    map[string]string
	commands []command
}

// command is one line of shell, with those that belong to it. Files are written
// before the first command that comes after them.
type command struct {
	text   string
	line   int
	files  []string
	output string // wanted; empty for anything
}

var fence = regexp.MustCompile("^```([a-z]*)(?: +(\\S+))?$")

// parse takes a page apart. A fence that is neither run nor known as prose is an
// error.
func parse(text string) (*page, error) {
	p := &page{files: map[string]string{}}
	var kind, name string
	var block, pending []string
	begin, inside := 0, false
	for i, line := range strings.Split(text, "\n") {
		m := fence.FindStringSubmatch(line)
		switch {
		case !inside && m != nil:
			kind, name, inside, begin, block = m[1], m[2], true, i+1, nil
		case inside && line == "```":
			inside = false
			if err := p.add(kind, name, block, begin, &pending); err != nil {
				return nil, err
			}
		case inside:
			block = append(block, line)
		}
	}
	if inside {
		return nil, fmt.Errorf("line %d: the fence has no end", begin)
	}
	return p, nil
}

func (p *page) add(kind, name string, block []string, line int, pending *[]string) error {
	text := strings.Join(block, "\n") + "\n"
	switch {
	case kind == "yaml" && name != "":
		p.files[name] = text
		*pending = append(*pending, name)
	case kind == "sh" && name == "":
		for i := 0; i < len(block); i++ {
			c := command{text: block[i], line: line + i + 1, files: *pending}
			for strings.HasSuffix(c.text, `\`) && i+1 < len(block) {
				i++
				c.text += "\n" + block[i]
			}
			p.commands, *pending = append(p.commands, c), nil
		}
	case kind == "output" && len(p.commands) > 0:
		p.commands[len(p.commands)-1].output = text
	case kind == "text":
	default:
		return fmt.Errorf("line %d: a fence %q %q is neither run nor text", line, kind, name)
	}
	return nil
}

// matches reports whether a command printed what the page shows.
func matches(wanted, printed string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(wanted), "…", ".*")
	return regexp.MustCompile(`\A` + pattern + `\z`).MatchString(printed)
}
