// Package inspect lets people see inside a node: its tree of actors, its links, its
// figures, and what happens.
//
// An Inspector is how readers in the same process ask; it may be used by any
// goroutine. The tree and the snapshot come from the actors themselves, the events
// from the node's journal.
package inspect
