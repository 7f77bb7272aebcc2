package config

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// item is one use of an action.
type item struct {
	action *action
	name   string // as written: --tcp-listener on a command line, tcp-listener in a file
	file   string // empty for the command line
	at     *place // nil if it can't be told
	mapped bool   // from the map form of a file
	broken bool   // something is wrong with it, and told
	value  any    // what the action's fresh made
	given  map[*param]bool
}

func newItem(a *action, name string) *item {
	return &item{action: a, name: name, value: a.fresh(), given: make(map[*param]bool)}
}

// set converts v and stores it: text of a command line or any value of a file.
func (it *item) set(p *param, v any, put func(at, v any) error) error {
	it.given[p] = true
	err := put(p.at(it.value), v)
	if p.rules&nonEmpty != 0 && v == "" {
		err = errors.New("value must not be empty")
	}
	it.broken = it.broken || err != nil
	return err
}

// text is the value of a parameter that is a string.
func (it *item) text(p *param) string { return *p.at(it.value).(*string) }

// nothing says that the item is as if it were not there: nobody gave it a value
// that counts.
func (it *item) nothing() bool {
	return len(it.given) == 0 || reflect.ValueOf(it.value).Elem().IsZero()
}

// complete checks that nothing required is missing. What is broken has been told
// already.
func (it *item) complete() error {
	var missing []string
	for i := range it.action.params {
		if p := &it.action.params[i]; it.needs(p) && !it.given[p] {
			missing = append(missing, p.name)
		}
	}
	switch {
	case it.broken, len(missing) == 0:
		return nil
	case len(missing) == 1:
		return fmt.Errorf("error in %s: required parameter missing: %s", it.name, missing[0])
	}
	return fmt.Errorf("error in %s: required parameters missing: %s", it.name, strings.Join(missing, ", "))
}

func (it *item) needs(p *param) bool {
	return p.rules&required != 0 && !(it.mapped && p.rules&orAbsent != 0)
}

// located adds where in a file the item stands. It comes last, because error
// texts are known by their beginning.
func (it *item) located(err error) error {
	if err == nil || it.file == "" {
		return err
	}
	return fmt.Errorf("%w (%s)", err, it.at.at(it.file))
}
