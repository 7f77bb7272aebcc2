// Receptor runs one node of a mesh.
//
//	receptor [ ACTION { PARAM } ]...
//	receptor --node id=foo --local-only --log-level Debug
//	receptor --config foo.yml
//	receptor --check --config foo.yml
//
// The command line and the files it names say what the node is and does; see
// receptor --help, and package config for the table behind it. The log goes to
// standard output, and so do errors of the start:
//
//	Error: command error: unknown config type bogus (did you mean "node"?)
//
// The exit status is 0 after help, version, a certificate or a stop by SIGTERM or SIGINT, and 1
// after an error. A signal stops the actors in order; a second one ends the
// process at once.
//
// cert-init, cert-makereq and cert-signreq make certificates instead of running a
// node; see package certs.
//
// The same binary also runs the commands of work units: as the hidden
// "receptor --command-runner ...", which survives the daemon that started it.
package main
