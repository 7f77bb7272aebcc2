// Package inspect lets people see inside a node: its tree of actors, its links, its
// figures, and what happens; and have it do something while they watch.
//
//	inspect    takes what operators at the local socket want done (desk); only in debug
//	           mode. Supervisors, router and levels carry it out
//
// An Inspector is how readers in the same process ask; it may be used by any
// goroutine. The tree and the snapshot come from the actors themselves, the events
// from the node's journal.
package inspect
