package route

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

// mesh is a random connected graph with about degree links per node.
func mesh(nodes, degree int, random *rand.Rand) map[string]map[string]float64 {
	rows := map[string]map[string]float64{}
	name := func(i int) string { return fmt.Sprintf("node-%04d", i) }
	for i := range nodes {
		rows[name(i)] = map[string]float64{}
	}
	link := func(a, b string, cost float64) { rows[a][b], rows[b][a] = cost, cost }
	for i := 1; i < nodes; i++ {
		link(name(i), name(random.IntN(i)), float64(1+random.IntN(3)))
	}
	for range nodes * (degree - 2) / 2 {
		if a, b := random.IntN(nodes), random.IntN(nodes); a != b {
			link(name(a), name(b), float64(1+random.IntN(3)))
		}
	}
	return rows
}

func graphOf(rows map[string]map[string]float64) *Graph {
	g := NewGraph()
	for name, row := range rows { // in random order
		g.Set(name, row)
	}
	return g
}

// Costs must be the least possible, hop by hop each node must lead closer to the
// destination, and the order of the reports must not matter.
func TestTablesOfRandomMeshes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 20 {
		rows := mesh(2+random.IntN(30), 4, random)
		g, tables := graphOf(rows), map[string]Table{}
		for name := range rows {
			tables[name] = g.Table(name)
		}
		for name := range rows {
			if again := graphOf(rows).Table(name); !reflect.DeepEqual(again, tables[name]) {
				t.Fatalf("round %d: the table of %s depends on the order of the reports", round, name)
			}
			expectLeastCosts(t, rows, name, tables[name])
			for far, hop := range tables[name] {
				rest := 0.0
				if hop.Via != far {
					rest = tables[hop.Via][far].Cost
				}
				if rows[name][hop.Via]+rest != hop.Cost {
					t.Fatalf("round %d: %s to %s via %s costs %v, but %v from there", round, name, far, hop.Via, hop.Cost, rest)
				}
			}
		}
	}
}

// expectLeastCosts compares with costs found by plain relaxation.
func expectLeastCosts(t *testing.T, rows map[string]map[string]float64, self string, table Table) {
	t.Helper()
	costs := map[string]float64{self: 0}
	for range rows {
		for name, row := range rows {
			from, ok := costs[name]
			for other, cost := range row {
				if old, known := costs[other]; ok && (!known || from+cost < old) {
					costs[other] = from + cost
				}
			}
		}
	}
	if len(table) != len(costs)-1 {
		t.Fatalf("%s reaches %d nodes, want %d", self, len(table), len(costs)-1)
	}
	for name, hop := range table {
		if hop.Cost != costs[name] {
			t.Fatalf("%s to %s costs %v, want %v", self, name, hop.Cost, costs[name])
		}
	}
}

func BenchmarkTable(b *testing.B) {
	for _, size := range []int{500, 2000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			g := graphOf(mesh(size, 6, rand.New(rand.NewPCG(1, 2))))
			b.ReportAllocs()
			for b.Loop() {
				if len(g.Table("node-0000")) != size-1 {
					b.Fatal("not everybody is reached")
				}
			}
		})
	}
}

// BenchmarkIngest learns all nodes of a mesh from nothing.
func BenchmarkIngest(b *testing.B) {
	for _, size := range []int{500, 2000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			var updates []Update
			for name, row := range mesh(size, 6, rand.New(rand.NewPCG(1, 2))) {
				updates = append(updates, Update{Node: name, ID: name, Epoch: 1, Sequence: 1, Connections: row})
			}
			b.ReportAllocs()
			for b.Loop() {
				db := NewDB("self", 1)
				for _, u := range updates {
					if d := db.Receive(u, start); !d.New {
						b.Fatalf("%+v", d)
					}
				}
			}
		})
	}
}

// BenchmarkUnchanged receives a periodic update that says nothing new.
func BenchmarkUnchanged(b *testing.B) {
	db, u := NewDB("self", 1), update("b", 1, 1, "c", "d", "e", "f")
	ids := make([]string, maxSeen)
	for i := range ids {
		ids[i] = fmt.Sprint(i)
	}
	b.ReportAllocs()
	for b.Loop() {
		u.Sequence++
		u.ID = ids[u.Sequence%uint64(len(ids))]
		if d := db.Receive(u, start.Add(time.Duration(u.Sequence)*time.Second)); d.Changed && u.Sequence > 2 {
			b.Fatalf("%+v", d)
		}
	}
}
