// Package links keeps the node connected to its neighbours.
//
//	links                      supervisor
//	├── <dialer> *             one per configured neighbour: supervisor of one link,
//	│   └── link               which it restarts with backoff; the restart is the redial
//	└── <listener> *           one per listening address; accepts
//	    └── <address>-<n> *    link, one per connection; never restarted, the neighbour dials again
//
// A link owns a pump: the connection and the two goroutines that block on it.
//
//	            ┌─ data ──────────────────────────► mesh.Plane
//	conn ─ reader                                       │
//	  ▲         └─ routing, reject ─► link ─► router    │
//	  │                                          │      │
//	  └─── writer ◄──────────── mesh.Queue ◄─────┴──────┘
//
// What the two ends say to each other before they are neighbours, and what each
// must keep to afterwards, is package handshake.
package links
