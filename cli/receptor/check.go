package main

import (
	"errors"
	"fmt"

	"receptor/cli/receptor/config"
)

// check says whether a node would start, and with what. It starts and opens
// nothing.
func (p *program) check(cfg *config.Config) error {
	found := findings{cfg: cfg, node: nodeConfig(cfg, version)}
	found.look()
	for _, text := range append(cfg.Warnings, found.warnings...) {
		fmt.Fprintln(p.out, "Warning:", text)
	}
	if err := errors.Join(found.errs...); err != nil {
		return config.Errors(found.errs)
	}
	fmt.Fprintln(p.out, "The configuration is good. It asks for:")
	return cfg.WriteSummary(p.out)
}
