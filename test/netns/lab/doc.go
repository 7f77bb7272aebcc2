// Package lab builds networks out of namespaces.
//
//	Enter     the test program again, in namespaces of its own that die with it
//	Host      a network namespace with one interface, eth0
//	Bridge    joins hosts; its rules cut, refuse and lose what passes between them
//	Wire      joins hosts by a switch in user space, which delays what passes
//
// What Linux can't do is not faked: Missing says why a test has to be skipped.
package lab
