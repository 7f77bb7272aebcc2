// Package router knows the mesh: who is connected to whom, which way is shortest,
// who offers what.
//
//	router   one; alone owns neighbours, link-state database and advertisements
//
// Links tell it what neighbours say, and it tells links what to send. The
// thinking is in package route; what follows from it, the routing table, goes to
// the data plane as an immutable value.
package router
