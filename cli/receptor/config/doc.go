// Package config turns the command line and its YAML files into one value, Config.
//
//	receptor [ ACTION { PARAM } ]...        the command line
//	- ACTION: { PARAM: VALUE }              the list form of a file
//	ACTIONs: [ { PARAM: VALUE } ]           the map form of a file
//
// One table describes every action: its name, its parameters with type, default
// and rules, and what it does to the Config. All forms, --help, the checks and the
// suggestions in error texts come from that table; a new action is one entry in it.
// Each chapter of the table has a file, which begins with what comes out and ends
// with the checks:
//
//	general.go  control.go  tls.go  links.go  services.go  proxies.go  work.go  certificates.go
//
// Parsing is pure: what it needs of the outside comes in with Env. Error texts
// begin as users and tests of existing meshes know them; a hint may follow, and
// what stands in a file ends with file:line:column. Parsing goes on after an error
// and tells all it finds, as Errors.
//
// Values of files are read by sigs.k8s.io/yaml, which has the rules for scalars that
// existing files rely on; go.yaml.in/yaml/v3, on which it is built, says where they
// stand (places.go).
package config
