// Package command is the language of the control service: lines in, typed
// requests out, and replies back to lines. It is pure.
//
// A line is JSON if its first byte is '{', and words otherwise:
//
//	work status 7z0PLWTw
//	{"command":"work","subcommand":"status","unitid":"7z0PLWTw"}
//
// A reply is one line: a JSON object with sorted members, or "ERROR: " and a text.
package command
