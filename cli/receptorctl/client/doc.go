// Package client speaks the control protocol of a node: one line per command, one
// line per reply, on a Unix socket, TCP or TLS.
//
// A Session is one connection. After Submit, Results and Connect the rest of the
// connection belongs to that command:
//
//	Command   line ⇄ line, as often as wanted
//	Submit    line ⇄ "Work unit created …", then Upload: payload, half-close, reply
//	Results   line ⇄ "Streaming results …", then Read until the end of input
//	Connect   line ⇄ "Connecting", then Read, Write and CloseWrite reach the far service;
//	          if that is a control service, Handshake and go on with commands there
package client
