package config

import (
	"errors"
	"fmt"
	"strings"
)

// item is one use of an action.
type item struct {
	action *action
	name   string // as written: --tcp-listener on a command line, tcp-listener in a file
	file   string // empty for the command line
	line   int    // 0 if it can't be told
	value  any    // what the action's fresh made
	given  map[*param]bool
}

func newItem(a *action, name string) *item {
	return &item{action: a, name: name, value: a.fresh(), given: make(map[*param]bool)}
}

// set converts v and stores it: text of a command line or any value of a file.
func (it *item) set(p *param, v any, put func(at, v any) error) error {
	if p.rules&nonEmpty != 0 && v == "" {
		return errors.New("value must not be empty")
	}
	it.given[p] = true
	return put(p.at(it.value), v)
}

// text is the value of a parameter that is a string.
func (it *item) text(p *param) string { return *p.at(it.value).(*string) }

// complete checks that nothing required is missing.
func (it *item) complete() error {
	var missing []string
	for i := range it.action.params {
		if p := &it.action.params[i]; p.rules&required != 0 && !it.given[p] {
			missing = append(missing, p.name)
		}
	}
	switch len(missing) {
	case 0:
		return nil
	case 1:
		return fmt.Errorf("error in %s: required parameter missing: %s", it.name, missing[0])
	}
	return fmt.Errorf("error in %s: required parameters missing: %s", it.name, strings.Join(missing, ", "))
}

// located adds where in a file the item stands. It comes last, because error
// texts are known by their beginning.
func (it *item) located(err error) error {
	if err == nil || it.file == "" {
		return err
	}
	if it.line == 0 {
		return fmt.Errorf("%w (in %s)", err, it.file)
	}
	return fmt.Errorf("%w (%s, line %d)", err, it.file, it.line)
}
