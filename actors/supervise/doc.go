// Package supervise is the one supervision strategy of this project.
//
// A supervisor is an actor that embeds *Supervisor, spawns its children with
// Spawn, and lets Supervise see each message first:
//
//	supervisor        HandleFailure asks Decide, records, and waits out the backoff
//	├── child *       panics with a *Failure when what it stands for is gone
//	└── supervisor *  the same again, one level down
//
// The delay before a restart doubles from Min to Max, with full jitter, and
// starts again at Min after a quiet period. For every child the supervisor
// keeps a record: restarts, last failure, when, and when the next try is due.
// GetTree puts the records together to one tree.
package supervise
