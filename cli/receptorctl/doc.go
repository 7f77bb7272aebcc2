// Command receptorctl is the command line client of a node.
//
// Each command has a file of its own: its options, what it asks the node, and the
// pure function that turns the answer into text. Around them:
//
//	main.go      signals in, exit code out
//	app.go       the command table and the global options
//	arrange.go   options may stand anywhere: puts them where the option library wants them
//	settings.go  which socket, which certificates
//	failure.go   errors to text and exit codes
//	client/      the control protocol
package main
