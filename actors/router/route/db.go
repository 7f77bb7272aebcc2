package route

import (
	"maps"
	"slices"
	"time"
)

const (
	// ForgetAfter is how long a node is remembered that can't be reached. By then
	// the IDs of its updates are forgotten, so that it can be learnt anew.
	ForgetAfter = 3 * seenFor
	// maxNodes bounds what neighbours can make us remember.
	maxNodes = 1 << 16
)

// Update is a routing update without what concerns only the link it came over.
type Update struct {
	Node               string // originator
	ID                 string // of this update, the same at all nodes
	Epoch              uint64 // of the originator's start
	Sequence           uint64
	Connections        map[string]float64 // nil is not the same as empty on the wire
	SuspectedDuplicate uint64             // epoch of another node with the same ID, or 0
}

// Decision is what to do about an update.
type Decision struct {
	Flood     bool // pass it on to all neighbours but the one it came from
	New       bool // of a node so far unknown, which may not know us either
	Restarted bool // of a node that has started anew since its last update
	Changed   bool // the table may have changed
	Duplicate Duplicate
}

// Duplicate says whether an update tells of a node that uses our ID.
type Duplicate int

const (
	NoDuplicate Duplicate = iota
	// OtherIsDuplicate started after us: tell it, with its epoch.
	OtherIsDuplicate
	// WeAreDuplicate started after another node, which told us: stop.
	WeAreDuplicate
)

// DB is the link-state database of one node.
type DB struct {
	self     string
	epoch    uint64
	sequence uint64 // of the last own update
	links    map[string]float64
	graph    *Graph
	known    map[string]*record
	seen     *seen
}

// record is what is known of another node beside its row.
type record struct {
	epoch       uint64
	sequence    uint64
	update      Update    // the last accepted; without ID if it must not be passed on
	unreachable time.Time // since when; zero while it can be reached
}

// NewDB returns the database of a node that started at epoch.
func NewDB(self string, epoch uint64) *DB {
	db := &DB{self: self, epoch: epoch, graph: NewGraph(), known: map[string]*record{}, seen: newSeen()}
	db.setLinks(map[string]float64{})
	return db
}

func (db *DB) setLinks(links map[string]float64) {
	db.links = links
	db.graph.Set(db.self, links)
}

// LinkUp adds a neighbour.
func (db *DB) LinkUp(node string, cost float64) {
	links := maps.Clone(db.links)
	links[node] = cost
	db.setLinks(links)
}

// LinkDown removes a neighbour.
func (db *DB) LinkDown(node string) {
	links := maps.Clone(db.links)
	delete(links, node)
	db.setLinks(links)
}

// Own returns the next update of this node, under the given ID.
func (db *DB) Own(id string) Update {
	db.sequence++
	return Update{Node: db.self, ID: id, Epoch: db.epoch, Sequence: db.sequence, Connections: db.links}
}

// Receive takes an update that an established neighbour sent. The database keeps
// it: nobody may change it.
func (db *DB) Receive(u Update, now time.Time) Decision {
	switch {
	case u.Node == "" || !db.seen.add(u.ID, now):
		return Decision{}
	case u.Node == db.self:
		return Decision{Duplicate: db.duplicate(u)}
	case u.SuspectedDuplicate != 0:
		db.rollBack(u)
		return Decision{Flood: true}
	}
	r, ok := db.known[u.Node]
	if ok && (u.Epoch < r.epoch || u.Epoch == r.epoch && u.Sequence <= r.sequence) {
		return Decision{}
	}
	if !ok {
		if len(db.known) >= maxNodes {
			return Decision{}
		}
		r = &record{unreachable: now}
		db.known[u.Node] = r
	}
	restarted := ok && u.Epoch != r.epoch
	r.epoch, r.sequence, r.update = u.Epoch, u.Sequence, u
	return Decision{Flood: true, New: !ok, Restarted: restarted, Changed: db.graph.Set(u.Node, u.Connections)}
}

// duplicate judges an update that carries our ID.
func (db *DB) duplicate(u Update) Duplicate {
	switch {
	case u.Epoch == db.epoch:
		return NoDuplicate // ours, coming back
	case u.SuspectedDuplicate == db.epoch:
		return WeAreDuplicate
	case u.Epoch > db.epoch:
		return OtherIsDuplicate
	default:
		return NoDuplicate // the older one will tell us
	}
}

// rollBack believes the older of two nodes with the same ID again. Its row comes
// with its next update; until then that of the younger one is not passed on.
func (db *DB) rollBack(u Update) {
	if r, ok := db.known[u.Node]; ok && r.epoch == u.SuspectedDuplicate {
		r.epoch, r.sequence, r.update.ID = u.Epoch, u.Sequence, ""
	}
}

// Updates are the last updates of all other nodes, for a new neighbour, in order
// of name.
func (db *DB) Updates() []Update {
	var all []Update
	for _, name := range slices.Sorted(maps.Keys(db.known)) {
		if r := db.known[name]; r.update.ID != "" {
			all = append(all, r.update)
		}
	}
	return all
}

// Table computes the ways from this node.
func (db *DB) Table() Table { return db.graph.Table(db.self) }

// Names are all nodes known, this one and neighbours that said nothing yet
// included, in order.
func (db *DB) Names() []string {
	names := db.graph.Nodes()
	for node := range db.links {
		if _, ok := db.known[node]; !ok {
			names = append(names, node)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Row is the neighbours of a node, with the cost.
func (db *DB) Row(name string) map[string]float64 {
	if name == db.self {
		return db.links
	}
	return db.graph.Row(name)
}

// Cyclic reports whether the mesh has a ring without the nodes to skip.
func (db *DB) Cyclic(skip func(name string) bool) bool { return db.graph.Cyclic(skip) }

// Age forgets the nodes that are not in the table for ForgetAfter, and says how
// many. Nodes in the table never age: their neighbours vouch for them.
func (db *DB) Age(t Table, now time.Time) (forgotten int) {
	for name, r := range db.known {
		_, reachable := t[name]
		switch {
		case reachable:
			r.unreachable = time.Time{}
		case r.unreachable.IsZero():
			r.unreachable = now
		case now.Sub(r.unreachable) >= ForgetAfter:
			delete(db.known, name)
			db.graph.Remove(name)
			forgotten++
		}
	}
	return forgotten
}
