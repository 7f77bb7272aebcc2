// Package runner is the small process between the daemon and a command. It
// survives the daemon, and records how the command ended.
//
//	daemon ──> runner (own session) ──> command (own process group)
//	                 └─ status, stdout, stderr, runner.json in the unit's directory
//
// It is receptor-runner, a small program beside the daemon's, or where that is
// missing the daemon's own executable, started with --command-runner unitdir=DIR;
// what to run comes on standard input, so that nobody reads it in a process list.
// It knows neither actors nor the mesh.
package runner
