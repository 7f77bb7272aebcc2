package command

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// object is a JSON command; its members are read one by one.
type object map[string]json.RawMessage

// fieldState says what was found under a name.
type fieldState int

const (
	present fieldState = iota
	absent
	otherType // there, but of another type
)

func parseObject(line []byte) (object, error) {
	var o object
	if err := json.Unmarshal(line, &o); err != nil {
		return nil, err
	}
	return o, nil
}

// text reads a string member.
func (o object) text(name string) (string, fieldState) {
	raw, ok := o[name]
	if !ok {
		return "", absent
	}
	if len(raw) == 0 || raw[0] != '"' {
		return "", otherType
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return "", otherType
	}
	return s, present
}

// optional is the text of a string member, empty for anything else.
func (o object) optional(name string) string {
	s, _ := o.text(name)
	return s
}

// required reads a string member that must be there; the errors are those of
// the work commands.
func (o object) required(name string) (string, error) {
	s, state := o.text(name)
	switch {
	case state == otherType:
		return "", fmt.Errorf("field %s must be a string", name)
	case state == absent || s == "":
		return "", fmt.Errorf("field %s missing", name)
	}
	return s, nil
}

// offset reads a whole number. Clients write 5, and some 5.0 or 5e0.
func (o object) offset(name string) (int64, error) {
	raw, ok := o[name]
	if !ok {
		return 0, fmt.Errorf("field %s missing", name)
	}
	if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return n, nil
	}
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		return 0, err
	}
	f, ok := value.(float64)
	if !ok || f != math.Trunc(f) || math.Abs(f) >= 1<<63 {
		return 0, fmt.Errorf("field %s value %v is not convertible to an int", name, value)
	}
	return int64(f), nil
}
