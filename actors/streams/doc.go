// Package streams runs reliable byte streams over the datagrams of the mesh.
//
//	streams              supervisor; opens one session per (node, service, TLS client)
//	└── session *        one per QUIC connection, dialled or accepted; never restarted
//
// Dial and Listen belong to Network, which goroutines anywhere in the node may
// call. Live connections are kept in its table: messages name them by number.
//
//	Dial ──► table ──► a session takes one more stream ───────────► open a stream
//	           └─────► OpenSession ──► streams ──► session ──► QUIC ─────┘
//	Accept ◄── queue of the listener ◄── first byte read ◄── stream ◄── QUIC
//
// The application protocol of the QUIC hand-shake decides what a connection is:
//
//	netceptor    other implementations: one stream, first byte 0x00 from the dialer
//	netceptor/2  ours: many streams, each opened by 0x00 and answered by 0x00
//
// Streams to a service of a near node share one session. To a node far away each has
// its own, up to maxSpread, and leaves it behind for the next (see spread.go).
//
// The answer shows a dialer that a session which has been quiet for long is still
// alive; in one that is not, it goes with what is said first. So a request and a short
// answer cost a packet each, and one each for the end
// of input. A session that nobody uses is given up by its dialer with an empty
// unidirectional stream; the other end closes it once all its streams are read.
//
// A listener that retires keeps the connections that it has until they are done, and
// shares the socket of its service with the listener that takes its place (port). It
// tells their dialers, as if the service were gone, so that what is new comes to that.
package streams
