package node

import (
	"reflect"
	"slices"
	"testing"

	"receptor/actors/node/change"
)

// What a reload does not compare would silently stay as it was.
func TestEveryFieldIsCompared(t *testing.T) {
	// Of the program and its environment, which no reload changes; what says how to
	// reload; and what TestReload has.
	exempt := []string{
		"Version", "Runner", "RunnerProgram", "QlogDir", "PayloadTrace", "Levels", "Reread", "SetLogLevel", "SetLogFormat",
		"Services", "Tracer",
	}
	kinds := []reflect.Type{reflect.TypeFor[Config](), reflect.TypeFor[Services]()}
	for _, kind := range kinds {
		for _, f := range reflect.VisibleFields(kind) {
			if len(f.Index) > 1 || slices.Contains(exempt, f.Name) {
				continue
			}
			var old, other Config
			field := reflect.ValueOf(&other).Elem().FieldByName(f.Name)
			fill(t, field)
			before, err := old.parts()
			if err != nil {
				t.Fatal(err)
			}
			after, err := other.parts()
			if err == nil && change.Count(change.Between(items(before), items(after))) == 0 && old.fixed(other) == nil {
				t.Errorf("a reload does not notice that %s.%s changed", kind.Name(), f.Name)
			}
		}
	}
}

// fill makes a value another one than zero.
func fill(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64, reflect.Uint32:
		if v.CanInt() {
			v.SetInt(7)
		} else {
			v.SetUint(7)
		}
	case reflect.Float64, reflect.Float32:
		v.SetFloat(7)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		if v.Index(0).Kind() == reflect.Struct {
			fill(t, v.Index(0).Field(0))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
	case reflect.Struct:
		fill(t, v.Field(0))
	default:
		t.Fatalf("no value for a %s", v.Type())
	}
}
