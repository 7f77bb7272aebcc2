package route

import (
	"fmt"
	"reflect"
	"testing"
	"time"
)

var start = time.Unix(1_800_000_000, 0)

// update is number seq of a node; each has an ID of its own.
func update(node string, epoch, seq uint64, neighbours ...string) Update {
	row := map[string]float64{}
	for _, n := range neighbours {
		row[n] = 1
	}
	return Update{Node: node, ID: fmt.Sprint(node, epoch, "/", seq), Epoch: epoch, Sequence: seq, Connections: row}
}

func suspecting(u Update, epoch uint64) Update {
	u.SuspectedDuplicate = epoch
	return u
}

func renamed(u Update, id string) Update {
	u.ID = id
	return u
}

func TestWhichUpdatesAreBelieved(t *testing.T) {
	ignored := Decision{}
	first, again, news := Decision{Flood: true, New: true, Changed: true}, Decision{Flood: true}, Decision{Flood: true, Changed: true}
	anew := Decision{Flood: true, Restarted: true, Changed: true}
	type step struct {
		update Update
		want   Decision
	}
	cases := map[string][]step{
		"first of a node":          {{update("b", 5, 1), first}},
		"nobody's":                 {{update("", 5, 1), ignored}},
		"same again":               {{update("b", 5, 1), first}, {update("b", 5, 1), ignored}},
		"next, nothing changed":    {{update("b", 5, 1, "c"), first}, {update("b", 5, 2, "c"), again}},
		"next, other links":        {{update("b", 5, 1, "c"), first}, {update("b", 5, 2), news}},
		"null and empty are equal": {{update("b", 5, 1), first}, {Update{Node: "b", ID: "x", Epoch: 5, Sequence: 2}, again}},
		"overtaken":                {{update("b", 5, 2), first}, {update("b", 5, 1, "c"), ignored}},
		"same number, other ID":    {{update("b", 5, 2), first}, {renamed(update("b", 5, 2, "c"), "x"), ignored}},
		"restarted":                {{update("b", 5, 9), first}, {update("b", 6, 1, "c"), anew}},
		"from before the restart":  {{update("b", 6, 1), first}, {update("b", 5, 9, "c"), ignored}},
		"overtaken is remembered": {{update("b", 5, 2), first}, {renamed(update("b", 5, 1), "x"), ignored},
			{renamed(update("b", 5, 3), "x"), ignored}},
		"a duplicate is rolled back": {
			{update("b", 5, 7, "c"), first},
			{update("b", 8, 1, "d"), anew}, // the younger one
			{suspecting(update("b", 5, 8, "c"), 8), again},
			{update("b", 5, 9, "c"), news},
		},
		"rolled back only from the epoch named": {
			{update("b", 9, 1), first}, {suspecting(update("b", 5, 8), 8), again}, {update("b", 5, 9), ignored},
		},
		"a suspicion about nobody known": {{suspecting(update("b", 5, 8), 8), again}, {update("b", 5, 9), first}},
		"a suspicion is flooded once":    {{suspecting(update("b", 5, 8), 8), again}, {suspecting(update("b", 5, 8), 8), ignored}},
		"ours, coming back":              {{update("a", 100, 1), ignored}},
		"an older one with our ID":       {{update("a", 99, 1), ignored}},
		"a younger one with our ID": {{update("a", 101, 1), Decision{Duplicate: OtherIsDuplicate}},
			{update("a", 101, 1), ignored}, {update("a", 101, 2), Decision{Duplicate: OtherIsDuplicate}}},
		"we are the younger one":       {{suspecting(update("a", 99, 1), 100), Decision{Duplicate: WeAreDuplicate}}},
		"a third one is the younger":   {{suspecting(update("a", 99, 1), 101), ignored}},
		"our own suspicion comes back": {{suspecting(update("a", 100, 1), 101), ignored}},
	}
	for name, steps := range cases {
		t.Run(name, func(t *testing.T) {
			db := NewDB("a", 100)
			for i, s := range steps {
				if got := db.Receive(s.update, start); got != s.want {
					t.Errorf("step %d: %+v, want %+v", i, got, s.want)
				}
			}
		})
	}
}

func TestOwnUpdatesCountAndListTheLinks(t *testing.T) {
	db := NewDB("a", 7)
	db.LinkUp("b", 2)
	first := db.Own("x")
	db.LinkUp("c", 3)
	db.LinkDown("b")
	second := db.Own("y")
	if want := (Update{Node: "a", ID: "x", Epoch: 7, Sequence: 1, Connections: map[string]float64{"b": 2}}); !reflect.DeepEqual(first, want) {
		t.Errorf("first %+v, want %+v", first, want)
	}
	if want := (Update{Node: "a", ID: "y", Epoch: 7, Sequence: 2, Connections: map[string]float64{"c": 3}}); !reflect.DeepEqual(second, want) {
		t.Errorf("second %+v, want %+v", second, want)
	}
}

func TestNewNeighbourIsInTheTableBeforeItSpeaks(t *testing.T) {
	db := NewDB("a", 7)
	db.LinkUp("b", 2)
	if got, want := db.Table(), (Table{"b": {"b", 2}}); !reflect.DeepEqual(got, want) {
		t.Errorf("table %v, want %v", got, want)
	}
	if got, want := db.Names(), []string{"a", "b"}; !reflect.DeepEqual(got, want) {
		t.Errorf("names %v, want %v", got, want)
	}
}

func TestNamesAreInOrder(t *testing.T) {
	db := NewDB("m", 7)
	db.LinkUp("a", 1) // has not spoken
	db.LinkUp("z", 1)
	db.Receive(update("z", 1, 1, "m"), start)
	if got, want := db.Names(), []string{"a", "m", "z"}; !reflect.DeepEqual(got, want) {
		t.Errorf("names %v, want %v", got, want)
	}
}

// A neighbour can tell of so many nodes and no more; those that are known live on.
func TestNodesAreBounded(t *testing.T) {
	db := NewDB("a", 7)
	for i := range maxNodes {
		if d := db.Receive(Update{Node: fmt.Sprint("n", i), ID: fmt.Sprint(i), Epoch: 1}, start); !d.New || !d.Flood {
			t.Fatalf("node %d: %+v", i, d)
		}
	}
	if d := db.Receive(update("x", 1, 1), start); d != (Decision{}) {
		t.Errorf("one more: %+v", d)
	}
	if d := db.Receive(update("n0", 1, 1), start); !d.Flood || d.New {
		t.Errorf("a known one: %+v", d)
	}
}

func TestUpdatesToPassOn(t *testing.T) {
	db := NewDB("a", 7)
	null := Update{Node: "d", ID: "null", Epoch: 1, Sequence: 1}
	for _, u := range []Update{update("c", 1, 1, "x"), null, update("c", 1, 2, "y"), update("b", 1, 1), update("e", 9, 1),
		suspecting(update("e", 5, 8), 9)} {
		db.Receive(u, start)
	}
	want := []Update{update("b", 1, 1), update("c", 1, 2, "y"), null} // not e: its row is the duplicate's
	if got := db.Updates(); !reflect.DeepEqual(got, want) {
		t.Errorf("updates %v, want %v", got, want)
	}
}

func TestRowsWithoutDeniedLinks(t *testing.T) {
	db := NewDB("a", 7)
	db.LinkUp("b", 2)
	db.Receive(update("b", 1, 1, "a", "c", "gone"), start)
	db.Receive(update("gone", 1, 1), start)
	for name, want := range map[string]map[string]float64{
		"a": {"b": 2}, "b": {"a": 1, "c": 1}, "gone": {}, "nobody": {},
	} {
		if got := db.Row(name); !reflect.DeepEqual(got, want) {
			t.Errorf("row of %s is %v, want %v", name, got, want)
		}
	}
}

func TestUnreachableNodesAgeOut(t *testing.T) {
	db := NewDB("a", 7)
	db.LinkUp("b", 1)
	db.Receive(update("b", 1, 1, "a", "c"), start)
	db.Receive(update("c", 1, 1, "b"), start)
	far := start.Add(10 * ForgetAfter)
	if n := db.Age(db.Table(), far); n != 0 {
		t.Fatalf("%d reachable nodes are forgotten", n)
	}
	db.Receive(update("b", 1, 2, "a"), far)
	if n := db.Age(db.Table(), far); n != 0 {
		t.Fatalf("%d nodes are forgotten at once", n)
	}
	if n := db.Age(db.Table(), far.Add(ForgetAfter-1)); n != 0 {
		t.Fatalf("%d nodes are forgotten too early", n)
	}
	if n := db.Age(db.Table(), far.Add(ForgetAfter)); n != 1 || !reflect.DeepEqual(db.Names(), []string{"a", "b"}) {
		t.Fatalf("%d nodes are forgotten, %v left", n, db.Names())
	}
	if d := db.Receive(update("c", 1, 1, "b"), far.Add(ForgetAfter)); !d.New {
		t.Errorf("a forgotten node comes back as %+v", d)
	}
}

func TestNodeThatComesBackStartsToAgeAnew(t *testing.T) {
	db := NewDB("a", 7)
	db.Receive(update("b", 1, 1, "a"), start)
	db.LinkUp("b", 1)
	db.Age(db.Table(), start.Add(ForgetAfter))
	db.LinkDown("b")
	if n := db.Age(db.Table(), start.Add(2*ForgetAfter)); n != 0 {
		t.Error("forgotten at once after it was reachable")
	}
}

func TestSeenForgetsByTimeAndNumber(t *testing.T) {
	s := newSeen()
	if !s.add("x", start) || s.add("x", start) || s.add("x", start.Add(seenFor)) {
		t.Error("x is not remembered")
	}
	if !s.add("x", start.Add(3*seenFor)) {
		t.Error("x is remembered too long")
	}
	for i := range 5 * maxSeen {
		s.add(fmt.Sprint(i), start.Add(3*seenFor))
	}
	if n := len(s.recent) + len(s.older); n > 2*maxSeen {
		t.Errorf("%d IDs are kept", n)
	}
	if s.add(fmt.Sprint(5*maxSeen-1), start.Add(3*seenFor)) {
		t.Error("the last one is forgotten")
	}
}
