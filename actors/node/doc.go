// Package node is the root of the actor tree: one running instance of receptor.
//
//	node            starts the families in this order, stops them in reverse
//	├── router      routing table, service advertisements
//	├── links       connections to neighbours
//	├── streams     QUIC sessions over the mesh
//	├── work        units of work
//	├── services    proxies
//	└── control     the control service
//
// A failure that reaches the root ends the node with an error.
package node
