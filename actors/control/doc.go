// Package control answers clients: on Unix sockets, TCP ports and services of
// the mesh, all in the same language (package command).
//
//	control              supervisor; restarts listeners with Backoff
//	└── listener *       one per socket or service; the restart is the next bind
//	    └── connection * one per client; never restarted, the client connects again
//
// A connection decides, its session moves bytes. The session is a goroutine that
// reads one line, hands it over and waits to be told what to do, so a client can
// never have more than one message in a mailbox:
//
//	client    session                     connection           router, work
//	  │ line ─► │ LineReceived ─────────────► │ GetStatus ───────► │
//	  │         │  waits                      │ ◄────────── Status │
//	  │ ◄─ line │ ◄────────────────── Reply() │                    │
//
// Payloads, results and bridged streams run between the socket and a file or a
// stream without touching the actor. A slow or dead client costs its connection
// and nothing else; one that gives no command for an hour is sent away, and before
// that when its listener is full and it has been idle for longest.
package control
