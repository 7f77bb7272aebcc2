package config

import "fmt"

// config lets each item act, in the order they were written.
func (p *parser) config() (*Config, error) {
	if err := exclusivity(p.items); err != nil {
		return nil, err
	}
	node := !allExclusive(p.items)
	if node {
		p.items = withImplied(p.items)
	}
	c := &Config{LogLevel: "info", LogFormat: formatText, Warnings: p.warnings, Check: p.check, V2: p.v2, Files: p.files, items: p.items}
	for _, it := range p.items {
		p.add(it.located(it.action.apply(c, it.value)))
	}
	if node {
		checkReferences(&p.problems, p.items)
		c.checkKeys(&p.problems, p.env)
		if len(p.errs) == 0 {
			p.add(c.Node.complete(p.env))
		}
		c.takeVariables(p.env)
		c.checkKube()
	}
	c.Serves = node
	if err := p.err(); err != nil {
		return nil, err
	}
	return c, nil
}

// exclusivity is the rule that some actions stand alone. In the map form they
// come before all others.
func exclusivity(items []*item) error {
	for _, it := range items {
		if it.action.is&exclusive != 0 && !it.mapped && len(items) > 1 {
			return fmt.Errorf("cannot specify any other options with %s", it.action.name)
		}
	}
	return nil
}

// allExclusive says that no node is asked for.
func allExclusive(items []*item) bool {
	for _, it := range items {
		if it.action.is&exclusive == 0 {
			return false
		}
	}
	return len(items) > 0
}

// withImplied adds the actions that are always there.
func withImplied(items []*item) []*item {
	for i := range table {
		if a := &table[i]; a.is&implied != 0 && uses(items, a) == 0 {
			items = append(items, newItem(a, a.name))
		}
	}
	return items
}
