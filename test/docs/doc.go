// Package docs runs the examples of the pages in docs/, with the built programs.
//
// A fence "yaml NAME" is a file of that name; "sh" are commands for one shell that
// goes on from block to block; "output" is what the last command before it prints,
// with … for what differs. Each command is tried again until it works or patience
// ends, for a mesh takes a moment to find its ways; daemons in the background are
// waited for. Port numbers from 27000 to 27999 stand for free ones. What has no such
// fence is prose. README.md, whose commands are for many machines, is run in a way of
// its own.
package docs
