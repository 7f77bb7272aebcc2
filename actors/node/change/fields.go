package change

import (
	"reflect"
	"slices"
	"strings"
)

// nameless is a difference that no field has.
const nameless = ""

// fields are the names of the fields in which two values differ, as a configuration
// names them; values stay out, because some are secret. Two values of different
// types differ as a whole.
func fields(a, b any) []string {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	if !x.IsValid() || !y.IsValid() || x.Type() != y.Type() || x.Kind() != reflect.Struct {
		if reflect.DeepEqual(a, b) {
			return nil
		}
		return []string{nameless}
	}
	var names []string
	for _, f := range reflect.VisibleFields(x.Type()) {
		if f.Anonymous || !f.IsExported() {
			continue
		}
		if reflect.DeepEqual(x.FieldByIndex(f.Index).Interface(), y.FieldByIndex(f.Index).Interface()) {
			continue
		}
		if name := nameOf(f); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if names == nil && !reflect.DeepEqual(a, b) {
		return []string{nameless} // in what is not exported
	}
	return names
}

// nameOf is the tag `config` or the name in lower case.
func nameOf(f reflect.StructField) string {
	if name, ok := f.Tag.Lookup("config"); ok {
		return name
	}
	return strings.ToLower(f.Name)
}
