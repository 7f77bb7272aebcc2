// Package probe is the stage on which actors are tested.
//
//	stage            supervises what the test spawns; an escalation fails the test
//	├── actor *      what is tested
//	└── probe *      stands for everybody else: keeps what it is sent, answers by hand
//
// Bubble plays on a fake clock (testing/synctest): waiting costs nothing, however
// long the backoff. Live plays in real time, for actors that own sockets or
// child processes. Both stop everything in the end and prove that no goroutine is
// left. An error in the log fails the test unless the test allowed it.
package probe
