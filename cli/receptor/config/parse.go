package config

import (
	"errors"
	"fmt"
	"strings"
)

// Env is what parsing needs of the outside.
type Env struct {
	ReadFile func(name string) ([]byte, error)
	Hostname func() (string, error)
	TempDir  func() string
}

// Parse turns the arguments, without the program's name, into a Config. The
// first error ends it.
func Parse(args []string, env Env) (*Config, error) {
	p := &parser{env: env}
	if len(args) == 0 {
		p.help = true
	}
	for len(args) > 0 && !p.help {
		rest, err := p.step(args)
		if err != nil {
			return nil, err
		}
		args = rest
	}
	if p.help {
		return &Config{Show: ShowHelp}, nil
	}
	if err := p.finish(); err != nil {
		return nil, err
	}
	return build(p.items, env)
}

// parser reads arguments from left to right.
type parser struct {
	env     Env
	items   []*item
	current *item // the action that parameters belong to
	help    bool
}

// step takes one argument, with a file name two, and returns the rest.
func (p *parser) step(args []string) ([]string, error) {
	word, rest := args[0], args[1:]
	if !strings.HasPrefix(word, "-") {
		return rest, p.parameter(word)
	}
	switch name := strings.ToLower(word); name {
	case "-h", "--help":
		p.help = true
		return rest, nil
	case "-c", "--c", "-config", "--config":
		return p.config(word, rest)
	}
	return rest, p.action(word, rest)
}

// action starts a new action.
func (p *parser) action(word string, rest []string) error {
	if err := p.finish(); err != nil {
		return err
	}
	name := strings.TrimPrefix(strings.TrimPrefix(word, "-"), "-")
	a := find(name)
	if a == nil {
		return fmt.Errorf("command error: unknown config type %s", misspelt(word, name, rest))
	}
	if a.is&singleton != 0 && uses(p.items, a) > 0 {
		return onlyOnce(a)
	}
	p.current = newItem(a, word)
	p.items = append(p.items, p.current)
	return nil
}

// config puts what a file asks for at this place.
func (p *parser) config(word string, rest []string) ([]string, error) {
	if err := p.finish(); err != nil {
		return nil, err
	}
	if len(rest) == 0 || strings.HasPrefix(rest[0], "-") {
		return nil, fmt.Errorf("no file name after %s", word)
	}
	items, err := loadFile(rest[0], p.env.ReadFile)
	if err != nil {
		return nil, fmt.Errorf("error loading config file: %w", err)
	}
	for _, it := range items {
		if it.action.is&singleton != 0 && uses(p.items, it.action) > 0 {
			return nil, it.located(onlyOnce(it.action))
		}
	}
	p.items = append(p.items, items...)
	return rest[1:], nil
}

// parameter gives the current action a key=value or a bare value.
func (p *parser) parameter(word string) error {
	if p.current == nil {
		return errors.New("parameter specified before command")
	}
	key, text, keyed := strings.Cut(word, "=")
	if !keyed {
		return p.bareValue(word)
	}
	prm := p.current.action.param(key)
	if prm == nil {
		return fmt.Errorf("config error: unknown field name %s%s", strings.ToLower(key), didYouMean(key, p.current.action.paramNames()))
	}
	return p.set(prm, text)
}

func (p *parser) bareValue(word string) error {
	prm := p.current.action.bareParam()
	if prm == nil {
		return fmt.Errorf("config error: command does not allow bare values%s", nearMiss(p.current, word))
	}
	return p.set(prm, word)
}

func (p *parser) set(prm *param, text string) error {
	put := func(at, v any) error { return setText(at, v.(string)) }
	if err := p.current.set(prm, text, put); err != nil {
		return fmt.Errorf("error setting config value for field %s: %w", prm.name, err)
	}
	return nil
}

// finish ends the current action.
func (p *parser) finish() error {
	if p.current == nil {
		return nil
	}
	err := p.current.complete()
	p.current = nil
	return err
}

// build lets each item act, in the order they were written.
func build(items []*item, env Env) (*Config, error) {
	for _, it := range items {
		if it.action.is&exclusive != 0 && len(items) > 1 {
			return nil, fmt.Errorf("cannot specify any other options with %s", it.action.name)
		}
	}
	alone := len(items) == 1 && items[0].action.is&exclusive != 0
	if !alone {
		items = withImplied(items)
	}
	c := &Config{LogLevel: "info"}
	for _, it := range items {
		if err := it.action.apply(c, it.value); err != nil {
			return nil, it.located(err)
		}
	}
	if alone {
		return c, nil
	}
	if err := checkReferences(c, items); err != nil {
		return nil, err
	}
	if err := c.checkKeys(env); err != nil {
		return nil, err
	}
	return c, c.Node.complete(env)
}

// withImplied adds the actions that are always there.
func withImplied(items []*item) []*item {
	for i := range table {
		if a := &table[i]; a.is&implied != 0 && uses(items, a) == 0 {
			items = append(items, newItem(a, a.name))
		}
	}
	return items
}

// uses counts how often an action was named.
func uses(items []*item, a *action) int {
	n := 0
	for _, it := range items {
		if it.action == a {
			n++
		}
	}
	return n
}

func onlyOnce(a *action) error {
	return fmt.Errorf("directive %q is only allowed once", a.name)
}
