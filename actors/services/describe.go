package services

import (
	"receptor/actors/supervise"
	"receptor/actors/supervise/describe"
	inspectv1 "receptor/proto/inspect/v1"
)

// This file is what proxies say of themselves to people.

var (
	_ supervise.Describer = (*proxy)(nil)
	_ supervise.Describer = (*connection)(nil)
)

// Describe implements supervise.Describer.
func (p *proxy) Describe() *inspectv1.Description {
	return describe.Of(
		describe.Text("service", p.cfg.service), describe.Text("leads to", p.cfg.target),
		describe.Flag("listens", p.intake != nil), describe.Number("clients", len(p.Children())),
	)
}

// Describe implements supervise.Describer.
func (c *connection) Describe() *inspectv1.Description {
	return describe.Of(describe.Text("client", c.guest.addr))
}
