// Package firewall decides which data messages a node lets pass. Rules are
// compiled once, when the node starts; a rule that can't be compiled is an error
// that names it, never a rule that matches more than was meant.
//
//	rules in order ──► the first that matches decides ──► none: accept
//
// A rule compares node and service names: exactly, or with a regular expression
// between slashes that has to match the whole name. What it does not mention it
// does not compare.
//
// Names are only as good as their source: any neighbour can put any node into the
// header of a message. Whoever asks about an unknown node passes the empty name.
package firewall
