package config

import (
	"slices"
	"strings"
)

// repeatable says that an action may be there more than once.
func (a *action) repeatable() bool { return a.is&singleton == 0 && a.name != "cert-init" }

// isSwitch says that in the map form, too, naming the action is enough.
func (a *action) isSwitch() bool { return a.is&nameSuffices != 0 }

// section is the action's name in the map form.
func (a *action) sectionName() string {
	if !a.repeatable() || strings.HasSuffix(a.name, "s") || a.name == "work-python" {
		return a.name
	}
	return a.name + "s"
}

// otherIPRouters is what an existing system reads; its documents say ip-routers.
const otherIPRouters = "iprouters"

// findSection looks a section up by any of its names, in any case.
func findSection(name string) *action {
	for i := range table {
		is := func(known string) bool { return strings.EqualFold(name, known) }
		if a := &table[i]; a.mappable() && slices.ContainsFunc(a.otherNames(), is) {
			return a
		}
	}
	return nil
}

// otherNames are all names of a section: the one it should have, that of the list
// form, and the one that an existing system reads instead.
func (a *action) otherNames() []string {
	names := []string{a.sectionName()}
	if a.sectionName() != a.name {
		names = append(names, a.name)
	}
	if a.name == "ip-router" {
		names = append(names, otherIPRouters)
	}
	return names
}

// mappable says that the action can stand in the map form.
func (a *action) mappable() bool { return a.is&hidden == 0 && a.name != versionKey }

func sectionNames() []string {
	var names []string
	for i := range table {
		if table[i].mappable() {
			names = append(names, table[i].sectionName())
		}
	}
	return names
}
