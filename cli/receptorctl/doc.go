// Command receptorctl is the command line client of a node.
//
// Each command has a file of its own: its options, what it asks the node, and the
// pure function that turns the answer into text. Around them:
//
//	main.go      signals in, exit code out
//	app.go       the command table and the global options; help, completion and manual are made from it
//	arrange.go   options may stand anywhere: puts them where the option library wants them
//	settings.go  which socket, which certificates
//	usage.go     what a misspelt command or option was meant to be
//	failure.go   errors to text and exit codes
//	visible.go   what nodes say steers no terminal and no shell
//	complete.go  what may be typed next; known.go asks the node for names
//	man.go       the manual pages
//	doctor*.go   what is in the way to a node, a service or a unit
//	graph.go     the mesh as a node knows it: ways, costs, states of links
//	client/      the control protocol
package main
