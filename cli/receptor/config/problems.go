package config

import (
	"fmt"
	"strings"
)

// Errors is everything that is wrong with a configuration, in the order in which
// it stands there.
type Errors []error

// Error has a line for each.
func (e Errors) Error() string {
	texts := make([]string, len(e))
	for i, err := range e {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "\n")
}

// Unwrap lets errors.Is and errors.As look at each.
func (e Errors) Unwrap() []error { return e }

// maxErrors is how many are worth reading: the rest is often a consequence.
const maxErrors = 20

// problems collects what is wrong and what is doubtful.
type problems struct {
	errs     Errors
	more     int // errors beyond maxErrors
	warnings []string
}

func (p *problems) add(err error) {
	switch {
	case err == nil:
	case len(p.errs) < maxErrors:
		p.errs = append(p.errs, err)
	default:
		p.more++
	}
}

func (p *problems) warn(format string, values ...any) {
	p.warnings = append(p.warnings, fmt.Sprintf(format, values...))
}

// err is nil, the only error, or all of them.
func (p *problems) err() error {
	switch {
	case len(p.errs) == 0:
		return nil
	case len(p.errs) == 1:
		return p.errs[0]
	case p.more > 0:
		return append(p.errs, fmt.Errorf("and %d more errors", p.more))
	}
	return p.errs
}
