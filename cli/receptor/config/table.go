package config

import "slices"

// table holds every action, in the order of --help inside a section.
var table = slices.Concat(
	generalActions, controlActions, tlsActions, linkActions, serviceActions, proxyActions, workActions, certActions,
)
