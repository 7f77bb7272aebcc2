// Package harness runs the built programs as a user would: real processes, real
// sockets, a private folder. It knows the command line and the control protocol
// and nothing else of the product. Every wait has a deadline in its context.
package harness
