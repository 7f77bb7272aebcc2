// Package config turns the command line and its YAML files into one value, Config.
//
//	receptor [ ACTION { PARAM } ]...        the command line
//	- ACTION: { PARAM: VALUE }              the list form of a file
//
// One table describes every action: its name, its parameters with type, default
// and rules, and what it does to the Config. Both forms, --help, the checks and the
// suggestions in error texts come from that table; a new action is one entry in it.
// Each chapter of the table has a file, which begins with what comes out and ends
// with the checks:
//
//	general.go  control.go  tls.go  links.go  services.go  proxies.go  work.go  certificates.go
//
// Parsing is pure: what it needs of the outside comes in with Env. Error texts
// begin as users and tests of existing meshes know them; a hint may follow, and
// what stands in a file names the file and, where it can be told, the line.
package config
