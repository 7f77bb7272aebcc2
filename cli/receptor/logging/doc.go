// Package logging writes the daemon's log: one line per event, in the layout
// that operators and their tools know,
//
//	LEVEL yyyy/mm/dd hh:mm:ss message key=value ...
//
// in local time, each line in one write. Facts follow the message as fields,
// quoted when they hold a space. What a remote node says can't begin a line of
// its own or steer a terminal: control characters are escaped. Nor can it flood the
// log: of a word that is very long stays the beginning, and what tells it from others.
package logging
