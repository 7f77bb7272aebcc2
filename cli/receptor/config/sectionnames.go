package config

import "strings"

// repeatable says that an action may be there more than once.
func (a *action) repeatable() bool { return a.is&singleton == 0 && a.name != "cert-init" }

// isSwitch says that in the map form, too, naming the action is enough.
func (a *action) isSwitch() bool { return a.is&nameSuffices != 0 }

// section is the action's name in the map form.
func (a *action) sectionName() string {
	if !a.repeatable() || strings.HasSuffix(a.name, "s") {
		return a.name
	}
	return a.name + "s"
}

// findSection looks a section up by its name, in any case: the one it should have,
// that of the list form, or the one an existing system reads instead.
func findSection(name string) *action {
	if strings.EqualFold(name, "iprouters") {
		name = "ip-router"
	}
	for i := range table {
		a := &table[i]
		if a.mappable() && (strings.EqualFold(name, a.sectionName()) || strings.EqualFold(name, a.name)) {
			return a
		}
	}
	return nil
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
