// Package node is the root of the actor tree: one running instance of receptor.
//
//	node            starts the families in this order, stops them in reverse
//	├── router      routing table, service advertisements
//	├── links       connections to neighbours
//	├── streams     QUIC sessions over the mesh
//	├── work        units of work
//	├── services    proxies
//	├── inspect     what operators want done, where debug mode allows it
//	├── control     the control service
//	└── web         pages and figures, where debug mode has an address for them
//
// A configuration is taken apart into parts with stable keys (package change compares
// two of them). A change opens the sockets of what is new, publishes for each family
// what it should be like, and tells it to reconcile: what is the same is not touched.
// What wants an address or name that another part still holds is opened when that has
// gone; if it can't be, the old part comes back.
//
// A failure that reaches the root ends the node with an error.
package node
