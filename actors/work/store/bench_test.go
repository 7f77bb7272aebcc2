package store

import (
	"fmt"
	"testing"

	"receptor/actors/work/unit"
)

// What a unit costs on disk: its creation and one transition, each of which has
// to survive a power failure.
func BenchmarkCreate(b *testing.B) {
	s, err := Open(b.TempDir(), "node")
	if err != nil {
		b.Fatal(err)
	}
	r := unit.NewLocal("cat", "-n").Record
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := s.Create(fmt.Sprintf("unit%08d", i), r, ""); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSave(b *testing.B) {
	s, err := Open(b.TempDir(), "node")
	if err != nil {
		b.Fatal(err)
	}
	r := unit.NewLocal("cat", "-n").Record
	d, err := s.Create("unit0001", r, "")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := d.Save(r); err != nil {
			b.Fatal(err)
		}
	}
}
