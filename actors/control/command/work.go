package command

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// workForm is one work command in both forms.
type workForm struct {
	line func(words []string) (Request, error)
	json func(o object) (Request, error)
}

// workForms is the table of work commands.
var workForms = map[string]workForm{
	"submit": {lineSubmit, jsonSubmit},
	"list":   {lineList, jsonList},
	"status": unitForm("status", func(unit, _ string) Request { return UnitStatus{Unit: unit} }),
	"watch":  unitForm("watch", func(unit, _ string) Request { return WatchUnit{Unit: unit} }),
	"cancel": unitForm("cancel", func(unit, signature string) Request {
		return Cancel{Unit: unit, Signature: signature}
	}),
	"release": unitForm("release", func(unit, signature string) Request {
		return Release{Unit: unit, Signature: signature}
	}),
	"force-release": unitForm("force-release", func(unit, signature string) Request {
		return Release{Unit: unit, Signature: signature, Force: true}
	}),
	"results":    {lineResults, jsonResults},
	"stderr":     {lineStderr, jsonStderr},
	"features":   bareForm("features", Features{}),
	"watchunits": bareForm("watchunits", WatchUnits{}),
	"drain":      bareForm("drain", Drain{}),
	"resume":     bareForm("resume", Drain{Resume: true}),
}

// lineWork splits the words at every single blank; so two in a row make an empty
// word.
func lineWork(rest string) (Request, error) {
	word, rest, more := strings.Cut(rest, " ")
	form, ok := workForms[strings.ToLower(word)]
	if !ok {
		return nil, errBadCommand
	}
	if !more {
		return form.line(nil)
	}
	return form.line(strings.Split(rest, " "))
}

func jsonWork(o object) (Request, error) {
	name, state := o.text("subcommand")
	switch state {
	case absent:
		return nil, errors.New("field subcommand missing")
	case otherType:
		return nil, errors.New("field subcommand must be a string")
	}
	form, ok := workForms[strings.ToLower(name)]
	if !ok {
		return nil, errBadCommand
	}
	return form.json(o)
}

// bareForm is a command that takes nothing.
func bareForm(name string, r Request) workForm {
	line := func(words []string) (Request, error) {
		if len(words) > 0 {
			return nil, fmt.Errorf("work %s does not take parameters", name)
		}
		return r, nil
	}
	return workForm{line, func(object) (Request, error) { return r, nil }}
}

// unitForm is a command that takes nothing but a unit.
func unitForm(name string, request func(unit, signature string) Request) workForm {
	line := func(words []string) (Request, error) {
		switch {
		case len(words) == 0 || words[0] == "":
			return nil, fmt.Errorf("work %s requires a unit ID", name)
		case len(words) > 1:
			return nil, fmt.Errorf("work %s does not take parameters after the unit ID", name)
		}
		return request(words[0], ""), nil
	}
	object := func(o object) (Request, error) {
		unit, err := o.required("unitid")
		if err != nil {
			return nil, err
		}
		return request(unit, o.optional("signature")), nil
	}
	return workForm{line, object}
}

func lineSubmit(words []string) (Request, error) {
	if len(words) < 2 || words[0] == "" || words[1] == "" {
		return nil, errors.New("work submit requires a target node and work type")
	}
	r := Submit{Node: words[0], WorkType: words[1], Params: map[string]string{}}
	if len(words) > 2 {
		r.Params["params"] = strings.Join(words[2:], " ")
	}
	return r, nil
}

// KeyMember is the member of a submit that names the request. Other systems would
// take it for a parameter of the work, so it is only sent to who has FeatureKey.
const KeyMember = "submitkey"

// Features that nodes tell each other of.
const (
	FeatureKey   = "submitkey"  // submit takes KeyMember
	FeatureWatch = "watchunits" // work watchunits is known
)

// jsonSubmit takes every member whose name is not reserved for a parameter of
// the work. All members must be strings.
func jsonSubmit(o object) (Request, error) {
	var r Submit
	var err error
	if r.Node, err = o.required("node"); err != nil {
		return nil, err
	}
	if r.WorkType, err = o.required("worktype"); err != nil {
		return nil, err
	}
	r.Params = make(map[string]string, len(o))
	for _, name := range slices.Sorted(maps.Keys(o)) {
		value, state := o.text(name)
		if state != present {
			return nil, fmt.Errorf("submit parameters must all be strings and %s is not", name)
		}
		switch name {
		case "command", "subcommand", "node", "worktype":
		case "tlsclient":
			r.TLSClient = value
		case "ttl":
			r.TTL = value
		case "signwork":
			r.SignWork = value == "true"
		case "signature":
			r.Signature = value
		case KeyMember:
			r.Key = value
		default:
			r.Params[name] = value
		}
	}
	return r, nil
}

func lineResults(words []string) (Request, error) {
	switch {
	case len(words) == 0 || words[0] == "":
		return nil, errors.New("work results requires a unit ID")
	case len(words) > 2:
		return nil, errors.New("work results only takes a unit ID and optional start position")
	case len(words) == 1:
		return Results{Unit: words[0]}, nil
	}
	offset, err := strconv.ParseInt(words[1], 10, 64)
	if err != nil {
		return nil, fmt.Errorf("error converting start position to integer: %w", err)
	}
	return Results{Unit: words[0], Offset: offset}, nil
}

func jsonResults(o object) (Request, error) {
	unit, err := o.required("unitid")
	if err != nil {
		return nil, err
	}
	offset, err := o.offset("startpos")
	if err != nil {
		return nil, err
	}
	return Results{Unit: unit, Offset: offset, Signature: o.optional("signature")}, nil
}
