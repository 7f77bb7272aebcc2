package change

import (
	"reflect"
	"slices"
	"testing"
)

type peer struct {
	TLS  string
	Pins []string
}

type rules struct {
	Cost    float64
	Allowed []string
	Any     bool `config:"allowed"`
}

type nested struct {
	Type string
	rules2
}

type secret struct{ value int }

type rules2 struct{ Limit int }

func link(key, tls string, cost float64) Item {
	it := Item{Key: key, Made: peer{TLS: tls}, Tuned: rules{Cost: cost}}
	if tls != "" {
		it.Uses = []string{"tls/" + tls}
	}
	return it
}

func cert(name, file string) Item { return Item{Key: "tls/" + name, Made: file, Setting: true} }

func TestBetween(t *testing.T) {
	keep := func(key string) Step { return Step{Key: key, Do: Keep} }
	for name, tc := range map[string]struct {
		old, wanted []Item
		want        []Step
	}{
		"nothing": {},
		"the same": {
			old: []Item{link("a", "", 1), cert("x", "f")}, wanted: []Item{link("a", "", 1), cert("x", "f")},
			want: []Step{keep("a"), keep("tls/x")},
		},
		"order does not matter": {
			old: []Item{link("a", "", 1), link("b", "", 1)}, wanted: []Item{link("b", "", 1), link("a", "", 1)},
			want: []Step{keep("b"), keep("a")},
		},
		"one more": {
			old: []Item{link("a", "", 1)}, wanted: []Item{link("a", "", 1), link("b", "", 1)},
			want: []Step{keep("a"), {Key: "b", Do: Start}},
		},
		"one less": {
			old: []Item{link("a", "", 1), link("b", "", 1)}, wanted: []Item{link("b", "", 1)},
			want: []Step{{Key: "a", Do: Stop}, keep("b")},
		},
		"all others": {
			old: []Item{link("a", "", 1)}, wanted: []Item{link("b", "", 1)},
			want: []Step{{Key: "a", Do: Stop}, {Key: "b", Do: Start}},
		},
		"tuned": {
			old: []Item{link("a", "", 1)}, wanted: []Item{link("a", "", 2)},
			want: []Step{{Key: "a", Do: Adjust, Why: []string{"cost"}}},
		},
		"made anew": {
			old: []Item{link("a", "", 1)}, wanted: []Item{link("a", "x", 2)},
			want: []Step{{Key: "a", Do: Replace, Why: []string{"tls", "cost"}}},
		},
		"made of another kind": {
			old: []Item{{Key: "a", Made: peer{}}}, wanted: []Item{{Key: "a", Made: rules{}}},
			want: []Step{{Key: "a", Do: Replace, Why: []string{}}},
		},
		"what it uses changed": {
			old:    []Item{link("a", "x", 1), link("b", "y", 1), cert("x", "f"), cert("y", "f")},
			wanted: []Item{link("a", "x", 1), link("b", "y", 1), cert("x", "g"), cert("y", "f")},
			want: []Step{
				{Key: "a", Do: Replace, Why: []string{"tls/x"}}, keep("b"),
				{Key: "tls/x", Do: Adjust, Why: []string{}}, keep("tls/y"),
			},
		},
		"what it uses is gone": {
			old: []Item{link("a", "x", 1), cert("x", "f")}, wanted: []Item{link("a", "", 1)},
			want: []Step{{Key: "tls/x", Do: Stop}, {Key: "a", Do: Replace, Why: []string{"tls"}}},
		},
		"what it uses is there now": {
			old: []Item{link("a", "x", 1), link("b", "", 1)}, wanted: []Item{link("a", "x", 1), link("b", "", 1), cert("x", "f")},
			want: []Step{{Key: "a", Do: Replace, Why: []string{"tls/x"}}, keep("b"), {Key: "tls/x", Do: Start}},
		},
		"what nobody uses is new": {
			old: []Item{link("a", "x", 1), cert("x", "f")}, wanted: []Item{link("a", "x", 1), cert("x", "f"), cert("y", "f")},
			want: []Step{keep("a"), keep("tls/x"), {Key: "tls/y", Do: Start}},
		},
		"a setting never restarts": {
			old:    []Item{{Key: "s", Made: nested{"t", rules2{1}}, Setting: true}},
			wanted: []Item{{Key: "s", Made: nested{"t", rules2{2}}, Setting: true}},
			want:   []Step{{Key: "s", Do: Adjust, Why: []string{"limit"}}},
		},
		"what has no name differs, too": {
			old: []Item{{Key: "a", Made: secret{1}}}, wanted: []Item{{Key: "a", Made: secret{2}}},
			want: []Step{{Key: "a", Do: Replace, Why: []string{}}},
		},
		"a list that is missing is not an empty one": {
			old:    []Item{{Key: "a", Tuned: rules{Allowed: nil, Any: true}}},
			wanted: []Item{{Key: "a", Tuned: rules{Allowed: []string{}}}},
			want:   []Step{{Key: "a", Do: Adjust, Why: []string{"allowed"}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Between(tc.old, tc.wanted); !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got  %+v\nwant %+v", got, tc.want)
			}
		})
	}
}

// There and back again is the opposite.
func TestBetweenAndBack(t *testing.T) {
	a := []Item{link("a", "x", 1), link("b", "", 1), cert("x", "f")}
	b := []Item{link("b", "", 3), link("c", "", 1), cert("x", "g")}
	opposite := map[Do]Do{Start: Stop, Stop: Start, Keep: Keep, Adjust: Adjust, Replace: Replace}
	there, back := map[string]Do{}, map[string]Do{}
	for _, s := range Between(a, b) {
		there[s.Key] = s.Do
	}
	for _, s := range Between(b, a) {
		back[s.Key] = opposite[s.Do]
	}
	if !reflect.DeepEqual(there, back) {
		t.Errorf("there %v, back %v", there, back)
	}
}

func TestCount(t *testing.T) {
	steps := []Step{{Do: Keep}, {Do: Start}, {Do: Stop}, {Do: Keep}, {Do: Adjust}, {Do: Replace}}
	if n := Count(steps); n != 4 {
		t.Errorf("%d parts change, want 4", n)
	}
	if n := Count(steps[:1]); n != 0 {
		t.Errorf("%d parts change, want none", n)
	}
}

func TestNumber(t *testing.T) {
	var keys []string
	for _, it := range Number([]Item{{Key: "a"}, {Key: "b"}, {Key: "a"}, {Key: "a"}}) {
		keys = append(keys, it.Key)
	}
	if want := []string{"a", "b", "a#2", "a#3"}; !slices.Equal(keys, want) {
		t.Errorf("got %v, want %v", keys, want)
	}
}

func TestCollide(t *testing.T) {
	a, b, c := Item{Holds: []string{"tcp:1", "x"}}, Item{Holds: []string{"tcp:1"}}, Item{Holds: []string{"tcp:2"}}
	if !Collide(a, b) || Collide(b, c) || Collide(Item{}, a) {
		t.Error("wrong")
	}
}
