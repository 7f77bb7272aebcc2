// Package secure holds the named TLS configurations of a node: who it says it is,
// whom it believes, and what it does when the files behind that change.
//
//	Store ── Server "name"   Link()           links, control over TCP
//	     │                   Mesh(...)        services of the mesh
//	     └── Client "name"   Link(host)       links, TCP services outside
//	                         Mesh(node, ...)  services of the mesh
//
// What is checked of the peer, and when it counts as bad:
//
//	server, link     chain to the client CAs, pins
//	server, mesh     the same, and the node ID that the datagrams come from
//	client, link     chain to the root CAs, the host that was dialled, pins
//	client, mesh     chain to the root CAs, the node that was dialled, pins
//
// All of it happens in VerifyConnection, which runs for resumed sessions too. A
// *VerifyError says which check failed.
//
// Files are looked at when a handshake needs them, at most once a second, and by
// Store.Check. A new file that can't be used leaves the old one in force, with
// one line in the log, and is tried again; so is one that is half-written, or holds
// no authority any more. Connections that exist stay as they are.
package secure
