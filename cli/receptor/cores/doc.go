// Package cores lets a process that has little to do run on one core.
//
// What a node does for one packet, or one connection, goes through the hands of
// several goroutines, one after the other. With idle cores at hand the Go runtime
// wakes a thread at each of these steps, for work that is over before the thread
// runs: measured with one connection after another through two nodes, a quarter of
// their CPU time, and of the time of a ping. So there are many cores only while one
// is not enough.
package cores
