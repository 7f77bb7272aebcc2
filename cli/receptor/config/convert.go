package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

var errNil = errors.New("value cannot be nil")

// setText converts what stands on a command line, or in quotes in a file.
func setText(at any, text string) error {
	switch at := at.(type) {
	case *string:
		*at = text
		return nil
	case *int:
		return convert(at, text, parseInt)
	case *fs.FileMode:
		return convert(at, text, parseMode)
	case *float64:
		return convert(at, text, parseFloat)
	case *bool:
		return convert(at, text, parseBool)
	case *[]string:
		return setList(at, text)
	case *map[string]float64:
		return convert(at, text, parseCosts)
	case *map[string]any:
		return convert(at, text, parseDict)
	case *[]any:
		return addRules(at, text)
	}
	return fmt.Errorf("no conversion to %T", at)
}

// setValue converts a value of a file: string, json.Number, bool, list, map, nil.
func setValue(at, v any) error {
	if text, ok := v.(string); ok {
		return setText(at, text)
	}
	switch at := at.(type) {
	case *string:
		return convert(at, v, scalarText)
	case *int:
		return convert(at, v, wholeNumber)
	case *fs.FileMode:
		return convert(at, v, modeNumber)
	case *float64:
		return convert(at, v, number)
	case *bool:
		return convert(at, v, truth)
	case *[]string:
		return unlessNil(at, v, stringList)
	case *map[string]float64:
		return unlessNil(at, v, costs)
	case *map[string]any:
		return unlessNil(at, v, dict)
	case *[]any:
		return unlessNil(at, v, ruleList)
	}
	return fmt.Errorf("no conversion to %T", at)
}

// convert stores what parse makes of from, or leaves at alone.
func convert[F, V any](at *V, from F, parse func(F) (V, error)) error {
	v, err := parse(from)
	if err == nil {
		*at = v
	}
	return err
}

// unlessNil is convert for types that have an unset state.
func unlessNil[V any](at *V, from any, parse func(any) (V, error)) error {
	if from == nil {
		return nil
	}
	return convert(at, from, parse)
}

// Base 0 as in Go source: 0640 and 0o640 are octal, 0x1f is hexadecimal.
func parseInt(text string) (int, error) {
	n, err := strconv.ParseInt(text, 0, strconv.IntSize)
	return int(n), err
}

func parseMode(text string) (fs.FileMode, error) {
	n, err := parseInt(text)
	if err != nil {
		return 0, err
	}
	return asMode(n)
}

func asMode(n int) (fs.FileMode, error) {
	if n < 0 || n > math.MaxUint16 {
		return 0, fmt.Errorf("%d is not a file mode", n)
	}
	return fs.FileMode(n), nil
}

func parseFloat(text string) (float64, error) {
	return strconv.ParseFloat(text, 64)
}

// The texts of a boolean, and no others.
var (
	trueTexts  = []string{"1", "t", "T", "Y", "true", "TRUE", "True", "yes", "Yes", "YES"}
	falseTexts = []string{"0", "f", "F", "N", "false", "FALSE", "False", "no", "No", "NO"}
)

func parseBool(text string) (bool, error) {
	switch {
	case slices.Contains(trueTexts, text):
		return true, nil
	case slices.Contains(falseTexts, text):
		return false, nil
	}
	return false, fmt.Errorf("could not parse %s as boolean", text)
}

// setList appends a plain string; a JSON array replaces the list.
func setList(at *[]string, text string) error {
	if !strings.HasPrefix(text, "[") {
		*at = append(*at, text)
		return nil
	}
	var list []any
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return err
	}
	return convert(at, any(list), stringList)
}

func parseCosts(text string) (map[string]float64, error) {
	if !strings.HasPrefix(text, "{") {
		return nil, typeError("map[string]float64")
	}
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return nil, err
	}
	return costs(m)
}

func parseDict(text string) (map[string]any, error) {
	if !strings.HasPrefix(text, "{") {
		return nil, typeError("map[string]interface {}")
	}
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return nil, err
	}
	return m, nil
}

// dict leaves it to whoever gets it what is in it.
func dict(v any) (map[string]any, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, typeError("map[string]interface {}")
	}
	return m, nil
}

func scalarText(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", errNil
	case json.Number:
		return v.String(), nil
	case bool:
		return strconv.FormatBool(v), nil
	}
	return "", typeError("string")
}

// wholeNumber cuts off a fraction, as existing configurations expect.
func wholeNumber(v any) (int, error) {
	switch v := v.(type) {
	case nil:
		return 0, errNil
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return int(n), nil
		}
		if f, err := v.Float64(); err == nil && math.Abs(f) < 1<<53 {
			return int(f), nil
		}
		return 0, fmt.Errorf("%s is out of range", v)
	}
	return 0, typeError("int")
}

func modeNumber(v any) (fs.FileMode, error) {
	n, err := wholeNumber(v)
	if err != nil {
		return 0, err
	}
	return asMode(n)
}

func number(v any) (float64, error) {
	switch v := v.(type) {
	case nil:
		return 0, errNil
	case float64:
		return v, nil
	case json.Number:
		return v.Float64()
	}
	return 0, typeError("float64")
}

func truth(v any) (bool, error) {
	switch v := v.(type) {
	case nil:
		return false, errNil
	case bool:
		return v, nil
	}
	return false, typeError("bool")
}

// stringList takes a number of a file as its digits. It refuses a boolean: a
// node called "no" has to be quoted, not to be taken for one called "false".
func stringList(v any) ([]string, error) {
	items, ok := v.([]any)
	if !ok {
		return nil, typeError("[]string")
	}
	list := make([]string, 0, len(items)) // never nil: given and empty is not the same as absent
	for _, item := range items {
		switch item := item.(type) {
		case string:
			list = append(list, item)
		case json.Number:
			list = append(list, item.String())
		default:
			return nil, fmt.Errorf("invalid value %v: must be type string", item)
		}
	}
	return list, nil
}

func costs(v any) (map[string]float64, error) {
	items, ok := v.(map[string]any)
	if !ok {
		return nil, typeError("map[string]float64")
	}
	m := make(map[string]float64, len(items))
	for _, node := range slices.Sorted(maps.Keys(items)) {
		cost, err := number(items[node])
		if err != nil {
			return nil, fmt.Errorf("invalid value %v: must be type float64 (node %s)", items[node], node)
		}
		m[node] = cost
	}
	return m, nil
}

// addRules appends a JSON array of maps: a second list must not take back what
// the first one forbids.
func addRules(at *[]any, text string) error {
	if !strings.HasPrefix(text, "[") {
		return typeError("list of maps")
	}
	var list []any
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return err
	}
	*at = append(*at, list...)
	return nil
}

// ruleList leaves it to the reader of the rules what they are.
func ruleList(v any) ([]any, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, typeError("list of maps")
	}
	return list, nil
}

func typeError(want string) error {
	return fmt.Errorf("type error (expected %s)", want)
}
