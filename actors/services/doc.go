// Package services joins services of the mesh with sockets of this machine.
//
//	services               supervisor; restarts proxies with Backoff
//	└── proxy *            one per configured tcp-server or tcp-client; owns a listener
//	    └── connection *   one per client; never restarted
//
// A tcp-server listens on TCP and dials the mesh, a tcp-client listens on the mesh
// and dials TCP: the same proxy with its ends exchanged.
//
//	client ──► listener ──► connection ── dials ──► target
//	client ◄───────────── bridge ─────────────────► target
//
// End of input on one side becomes end of input on the other.
package services
