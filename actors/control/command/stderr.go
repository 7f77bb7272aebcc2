package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// ErrorOutput asks for what a unit wrote to standard error, from an offset on; the
// session then belongs to it. With Follow it goes on until the unit is final.
type ErrorOutput struct {
	Unit, Signature string
	Offset          int64
	Follow          bool
}

func (ErrorOutput) request() {}

// StreamingErrors is the line after which a session belongs to the standard error of
// a unit.
func StreamingErrors(unit string) []byte {
	return []byte("Streaming stderr for work unit " + unit + "\n")
}

func lineStderr(words []string) (Request, error) {
	switch {
	case len(words) == 0 || words[0] == "":
		return nil, errors.New("work stderr requires a unit ID")
	case len(words) > 2:
		return nil, errors.New("work stderr only takes a unit ID and optional start position")
	case len(words) == 1:
		return ErrorOutput{Unit: words[0], Follow: true}, nil
	}
	offset, err := strconv.ParseInt(words[1], 10, 64)
	if err != nil {
		return nil, fmt.Errorf("error converting start position to integer: %w", err)
	}
	return stderrFrom(ErrorOutput{Unit: words[0], Offset: offset, Follow: true})
}

func jsonStderr(o object) (Request, error) {
	unit, err := o.required("unitid")
	if err != nil {
		return nil, err
	}
	r := ErrorOutput{Unit: unit, Signature: o.optional("signature"), Follow: true}
	if _, ok := o["startpos"]; ok {
		if r.Offset, err = o.offset("startpos"); err != nil {
			return nil, err
		}
	}
	if raw, ok := o["follow"]; ok && json.Unmarshal(raw, &r.Follow) != nil {
		return nil, errors.New("field follow must be true or false")
	}
	return stderrFrom(r)
}

func stderrFrom(r ErrorOutput) (Request, error) {
	if r.Offset < 0 {
		return nil, fmt.Errorf("start position %d is negative", r.Offset)
	}
	return r, nil
}
