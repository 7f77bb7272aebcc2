package blackbox

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"receptor/test/blackbox/harness"
)

// mark is how much of everything a node has.
type mark struct {
	actors                      map[string]int // by kind
	routines, descriptors, heap int64
}

// marks are those of all nodes, when the mesh is whole.
func (u *use) marks() []mark {
	u.w.t.Helper()
	u.w.must(u.linked(u.w.ctx, true))
	marks := make([]mark, len(u.nodes))
	for i := range u.nodes {
		var err error
		marks[i], err = u.mark(i)
		u.w.must(err)
	}
	return marks
}

func (u *use) mark(node int) (mark, error) {
	m := mark{actors: map[string]int{}}
	tree, err := u.nodes[node].Tree(u.w.ctx)
	if err != nil {
		return m, err
	}
	tree.Each(func(a harness.Actor) { m.actors[a.Kind]++ })
	if _, _, err := get(u.w.ctx, u.web[node], "http://localhost/debug/pprof/heap?gc=1"); err != nil {
		return m, err
	}
	_, text, err := get(u.w.ctx, u.web[node], "http://localhost/metrics")
	if err != nil {
		return m, err
	}
	for name, value := range map[string]*int64{
		"go_goroutines": &m.routines, "process_open_fds": &m.descriptors, "go_memstats_heap_alloc_bytes": &m.heap,
	} {
		if *value, err = metric(text, name); err != nil {
			return m, err
		}
	}
	return m, nil
}

// metric is a value without labels.
func metric(text, name string) (int64, error) {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			f, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			return int64(f), err
		}
	}
	return 0, fmt.Errorf("no metric %s", name)
}

// isBack waits until every node has no more than before.
func (u *use) isBack(before []mark) {
	u.w.t.Helper()
	for i, n := range u.nodes {
		ctx, cancel := context.WithTimeout(u.w.ctx, patience)
		err := harness.Until(ctx, n.ID+" to be what it was", func() error {
			now, err := u.mark(i)
			if err != nil {
				return err
			}
			return now.more(before[i])
		})
		cancel()
		if err != nil {
			u.w.t.Error(err)
		}
	}
}

func (m mark) more(before mark) error {
	var all []error
	for kind, count := range m.actors {
		if count > before.actors[kind] {
			all = append(all, fmt.Errorf("%d actors %q, %d before", count, kind, before.actors[kind]))
		}
	}
	for _, x := range []struct {
		what               string
		now, before, spare int64
	}{
		{"goroutines", m.routines, before.routines, moreRoutines},
		{"descriptors", m.descriptors, before.descriptors, moreDescriptors},
		{"bytes of heap", m.heap, before.heap, moreHeap},
	} {
		if x.now > x.before+x.spare {
			all = append(all, fmt.Errorf("%d %s, %d before", x.now, x.what, x.before))
		}
	}
	return errors.Join(all...)
}
