package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Env is what parsing needs of the outside.
type Env struct {
	ReadFile func(name string) ([]byte, error)
	Hostname func() (string, error)
	TempDir  func() string
	Getenv   func(name string) string // nil: no variable is set
}

// Parse turns the arguments, without the program's name, into a Config. What is
// wrong is Errors if it is more than one thing.
func Parse(args []string, env Env) (*Config, error) {
	if env.Getenv == nil {
		env.Getenv = func(string) string { return "" }
	}
	p := &parser{env: env}
	args = p.takeV2(args)
	if len(args) == 0 && !p.v2 {
		p.show = ShowHelp
	}
	for len(args) > 0 && p.show == ShowNothing {
		args = p.step(args)
	}
	if p.show != ShowNothing && len(p.errs) == 0 {
		return &Config{Show: p.show}, nil
	}
	p.finish()
	if p.v2 && len(p.files) == 0 {
		p.loadDefault()
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	return p.config()
}

// shows are the words that want something shown; nothing after them is read.
var shows = map[string]Show{
	"-h": ShowHelp, "--help": ShowHelp, "--bash-completion": ShowCompletion, "--schema": ShowSchema,
	"--reference": ShowReference, "--man": ShowManual, // for the build
}

// parser reads arguments from left to right.
type parser struct {
	problems
	env     Env
	items   []*item
	files   []string
	current *item // the action that parameters belong to
	passing bool  // over the parameters of what is no action
	show    Show
	check   bool
	v2      bool
}

// step takes one argument, with a file name two, and returns the rest.
func (p *parser) step(args []string) []string {
	word, rest := args[0], args[1:]
	if word == "--" && len(rest) > 0 && find(rest[0]) != nil {
		word, rest = "--"+rest[0], rest[1:] // an introduction of the existing system writes it so
	}
	if !strings.HasPrefix(word, "-") {
		p.parameter(word)
		return rest
	}
	lower := strings.ToLower(word)
	if show, ok := shows[lower]; ok {
		p.show = show
		return nil
	}
	p.finish()
	p.passing = false
	switch lower {
	case "--check":
		p.check = true
		return rest
	case "-c", "--c", "-config", "--config":
		return p.file(word, rest)
	}
	if name, ok := strings.CutPrefix(word, "--config="); ok && p.v2 {
		p.load(name)
		return rest
	}
	p.action(word, rest)
	return rest
}

// action starts a new action.
func (p *parser) action(word string, rest []string) {
	name := strings.TrimPrefix(strings.TrimPrefix(word, "-"), "-")
	a := find(name)
	if a == nil {
		p.passing = true
		p.add(fmt.Errorf("command error: unknown config type %s", misspelt(word, name, rest)))
		return
	}
	if a.is&singleton != 0 && uses(p.items, a) > 0 {
		p.add(onlyOnce(a))
	}
	p.current = newItem(a, word)
	p.items = append(p.items, p.current)
}

// file puts what a file asks for at this place.
func (p *parser) file(word string, rest []string) []string {
	if len(rest) == 0 || strings.HasPrefix(rest[0], "-") {
		p.add(fmt.Errorf("no file name after %s", word))
		return rest
	}
	p.load(rest[0])
	return rest[1:]
}

func (p *parser) load(name string) {
	p.files = append(p.files, name)
	s := &source{file: name}
	s.load(p.env.ReadFile)
	p.warnings = append(p.warnings, s.warnings...)
	p.more += s.more
	for _, err := range s.errs {
		p.add(fmt.Errorf("error loading config file: %w", err))
	}
	for _, it := range s.items {
		if it.action.is&singleton != 0 && uses(p.items, it.action) > 0 {
			p.add(it.located(onlyOnce(it.action)))
		}
	}
	p.items = append(p.items, s.items...)
}

// parameter gives the current action a key=value or a bare value.
func (p *parser) parameter(word string) {
	if p.passing {
		return
	}
	if p.current == nil {
		p.passing = true
		p.add(errors.New("parameter specified before command"))
		return
	}
	key, text, keyed := strings.Cut(word, "=")
	if !keyed {
		p.bareValue(word)
		return
	}
	prm := p.current.action.param(key)
	if prm == nil {
		p.refuse(fmt.Errorf("config error: unknown field name %s%s", strings.ToLower(key), didYouMean(key, p.current.action.paramNames())))
		return
	}
	p.set(prm, text)
}

func (p *parser) bareValue(word string) {
	prm := p.current.action.bareParam()
	if prm == nil {
		p.refuse(fmt.Errorf("config error: command does not allow bare values%s", nearMiss(p.current, word)))
		return
	}
	p.set(prm, word)
}

func (p *parser) set(prm *param, text string) {
	put := func(at, v any) error { return setText(at, v.(string)) }
	if err := p.current.set(prm, text, put); err != nil {
		p.add(fmt.Errorf("error setting config value for field %s: %w", prm.name, err))
	}
}

// refuse adds an error of the current action.
func (p *parser) refuse(err error) {
	p.current.broken = true
	p.add(err)
}

// finish ends the current action.
func (p *parser) finish() {
	if p.current != nil {
		p.add(p.current.complete())
	}
	p.current = nil
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

// v2Switch is how existing start scripts ask for the map form, which needs no
// asking here. With it, a file may go without being named, and is watched.
const v2Switch = "--config-v2"

// takeV2 removes the switch, wherever it stands.
func (p *parser) takeV2(args []string) []string {
	p.v2 = slices.Contains(args, v2Switch)
	if !p.v2 {
		return args
	}
	return slices.DeleteFunc(slices.Clone(args), func(word string) bool { return word == v2Switch })
}

// loadDefault reads the file in the home directory.
func (p *parser) loadDefault() {
	for _, ext := range []string{".json", ".yaml", ".yml", ""} {
		name := p.env.Getenv("HOME") + "/receptor" + ext
		if _, err := p.env.ReadFile(name); err == nil {
			p.load(name)
			return
		}
	}
	p.add(errors.New("Could not locate config file (default is $HOME/receptor.yaml)")) //nolint:staticcheck // known by this text
}
