package config

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// section is a heading of --help.
type section int

const (
	general section = iota
	resources
	backends
	services
	workers
	certificates
)

// titles are the headings in the order of --help.
var titles = []string{
	general:      "",
	resources:    "TLS",
	backends:     "Links to other nodes",
	services:     "Services on the mesh",
	workers:      "Work",
	certificates: "Certificates",
}

// attribute says how an action may be used.
type attribute uint8

const (
	singleton    attribute = 1 << iota // at most once, command line and files together
	implied                            // added at the end, with its defaults, if absent
	exclusive                          // stands alone
	hidden                             // not in help or suggestions
	nameSuffices                       // in the map form, too, it needs no parameters to count
)

// rule says how a parameter may be used.
type rule uint8

const (
	required    rule = 1 << iota
	bare             // the value that may stand without "name="
	nonEmpty         // an empty value is an error
	namesServer      // the value is empty or the name of a tls-server
	namesClient      // the value is empty or the name of a tls-client
	secret           // never shown
	orAbsent         // not required in the map form
)

// action is one entry of the table.
type action struct {
	name    string
	about   string
	section section
	is      attribute
	params  []param

	fresh func() any               // a new value with its defaults: *T
	apply func(*Config, any) error // checks a value and puts it into the Config
}

// param is one parameter of an action.
type param struct {
	name     string
	about    string
	rules    rule
	at       func(any) any // where it is kept in the action's value: *V
	typeName string        // as help shows it
	choices  []string      // the values it may have, in any case; nil: any
}

// value is what a parameter can hold.
type value interface {
	string | int | float64 | bool | fs.FileMode | []string | map[string]float64 | map[string]any | []any
}

// define makes an entry: a is what it says of itself, defaults the value it
// starts from, apply what it does.
func define[T any](a action, defaults T, apply func(*Config, *T) error, params ...param) action {
	a.fresh = func() any {
		v := defaults
		return &v
	}
	a.apply = func(c *Config, v any) error { return apply(c, v.(*T)) }
	a.params = params
	return a
}

// with makes a parameter that is kept in a field of T.
func with[T any, V value](name string, rules rule, about string, at func(*T) *V) param {
	return param{
		name: name, about: about, rules: rules,
		at:       func(v any) any { return at(v.(*T)) },
		typeName: typeName(any(new(V))),
	}
}

// among limits a parameter to some values.
func (p param) among(choices ...string) param {
	p.choices = choices
	return p
}

// find looks an action up by its name, in any case; nil if there is none.
func find(name string) *action {
	for i := range table {
		if strings.EqualFold(table[i].name, name) {
			return &table[i]
		}
	}
	return nil
}

// param looks a parameter up by its name, in any case; nil if there is none.
func (a *action) param(name string) *param {
	for i := range a.params {
		if strings.EqualFold(a.params[i].name, name) {
			return &a.params[i]
		}
	}
	return nil
}

// bareParam is the parameter a bare value goes to; nil if there is none.
func (a *action) bareParam() *param {
	for i := range a.params {
		if a.params[i].rules&bare != 0 {
			return &a.params[i]
		}
	}
	return nil
}

// paramNames lists the names of an action's parameters.
func (a *action) paramNames() []string {
	names := make([]string, len(a.params))
	for i, p := range a.params {
		names[i] = p.name
	}
	return names
}

// words are the names that can follow the dashes.
func words() []string {
	names := []string{"help", "config", "check", "schema", "bash-completion"}
	for _, a := range table {
		if a.is&hidden == 0 {
			names = append(names, a.name)
		}
	}
	return names
}

// typeName is a parameter's type as help shows it.
func typeName(at any) string {
	switch at.(type) {
	case *string:
		return "string"
	case *int, *fs.FileMode:
		return "int"
	case *float64:
		return "float64"
	case *bool:
		return "bool"
	case *[]string:
		return "[]string (may be repeated)"
	case *map[string]float64:
		return "JSON dict of string to float64"
	case *map[string]any:
		return "JSON dict with string keys"
	case *[]any:
		return "JSON list of dicts"
	}
	return fmt.Sprintf("%T", at)
}

// shown is a default as help shows it; empty for one that need not be told.
func shown(at any) string {
	switch v := at.(type) {
	case *string:
		return *v
	case *int:
		if *v != 0 {
			return strconv.Itoa(*v)
		}
	case *fs.FileMode:
		return fmt.Sprintf("%#o", uint32(*v))
	case *float64:
		return strconv.FormatFloat(*v, 'f', 1, 64)
	case *bool:
		return strconv.FormatBool(*v)
	}
	return ""
}
