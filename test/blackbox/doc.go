// Package blackbox tests the built programs from outside: real processes, real
// sockets, a foreign node if RECEPTOR_PEER names the program of one. Each test
// has a world of its own, and ends by proving that no process of it is left.
package blackbox
