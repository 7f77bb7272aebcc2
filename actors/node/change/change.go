package change

import (
	"fmt"
	"slices"
)

// Item is one part of a configuration.
type Item struct {
	Key string // stable and readable: links/tcp-peer:10.0.0.1:2222
	// Made is what the part is made of: another value is another part.
	Made any
	// Tuned can change while the part goes on.
	Tuned any
	// Uses are keys of other parts. When one of them changes, so does this one.
	Uses []string
	// Holds are what no two parts can have at a time: an address, a path, a name.
	Holds []string
	// Setting is a part that does not run: a change of it takes effect at once.
	Setting bool
}

// Do is what happens to a part.
type Do string

// What can happen to a part.
const (
	Keep    Do = "keep"
	Start   Do = "start"
	Stop    Do = "stop"
	Replace Do = "replace" // stop the old one and start the new one
	Adjust  Do = "change"  // it goes on, otherwise
)

// Step is what happens to one part, and why.
type Step struct {
	Key string
	Do  Do
	// Why are names of fields that differ, or keys of parts it uses that do.
	Why []string
}

// Between says what leads from one configuration to another: first what goes, then
// everything that is wanted, each in the order in which it was written.
func Between(old, wanted []Item) []Step {
	before, after := index(old), index(wanted)
	changed := changedParts(before, after)
	var steps []Step
	for _, it := range old {
		if _, ok := after[it.Key]; !ok {
			steps = append(steps, Step{Key: it.Key, Do: Stop})
		}
	}
	for _, it := range wanted {
		was, ok := before[it.Key]
		if !ok {
			steps = append(steps, Step{Key: it.Key, Do: Start})
			continue
		}
		steps = append(steps, compare(was, it, changed))
	}
	return steps
}

// compare says what becomes of a part that is in both configurations.
func compare(was, is Item, changed map[string]bool) Step {
	s := Step{Key: is.Key, Do: Keep}
	s.Why = fields(was.Made, is.Made)
	for _, used := range is.Uses {
		if changed[used] && !is.Setting {
			s.Why = append(s.Why, used)
		}
	}
	switch tuned := fields(was.Tuned, is.Tuned); {
	case len(s.Why) > 0 && !is.Setting:
		s.Do = Replace
		s.Why = append(s.Why, tuned...)
	case len(s.Why)+len(tuned) > 0:
		s.Do = Adjust
		s.Why = append(s.Why, tuned...)
	}
	s.Why = slices.DeleteFunc(s.Why, func(name string) bool { return name == nameless })
	return s
}

// changedParts are those that others may use and that differ. One that is new differs,
// too: it may stand in for what is used where it is missing.
func changedParts(before, after map[string]Item) map[string]bool {
	changed := map[string]bool{}
	for key, was := range before {
		if is, ok := after[key]; !ok || len(fields(was.Made, is.Made)) > 0 {
			changed[key] = true
		}
	}
	for key := range after {
		if _, ok := before[key]; !ok {
			changed[key] = true
		}
	}
	return changed
}

// Count is how many parts do not stay as they are.
func Count(steps []Step) int {
	n := 0
	for _, s := range steps {
		if s.Do != Keep {
			n++
		}
	}
	return n
}

// Number makes keys unique: the second of the same key gets #2.
func Number(items []Item) []Item {
	used := map[string]int{}
	for i := range items {
		key := items[i].Key
		if used[key]++; used[key] > 1 {
			items[i].Key = fmt.Sprintf("%s#%d", key, used[key])
		}
	}
	return items
}

// Collide reports whether a part wants what another one holds.
func Collide(a, b Item) bool {
	return slices.ContainsFunc(a.Holds, func(what string) bool { return slices.Contains(b.Holds, what) })
}

func index(items []Item) map[string]Item {
	byKey := make(map[string]Item, len(items))
	for _, it := range items {
		byKey[it.Key] = it
	}
	return byKey
}
