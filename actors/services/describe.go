package services

import (
	"slices"

	"receptor/actors/supervise"
	"receptor/actors/supervise/describe"
	inspectv1 "receptor/proto/inspect/v1"
)

// This file is what proxies say of themselves to people.

var (
	_ supervise.Describer = (*proxy)(nil)
	_ supervise.Describer = (*connection)(nil)
	_ supervise.Describer = (*ipRouter)(nil)
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

// Describe implements supervise.Describer.
func (r *ipRouter) Describe() *inspectv1.Description {
	device := ""
	if r.tunnel != nil {
		device = r.tunnel.device.Name()
	}
	return describe.Of(
		describe.Text("network", r.cfg.Network), describe.Text("interface", device),
		describe.Text("local network", r.cfg.Local.Prefix.String()), describe.Number("own networks", len(r.cfg.Routes)),
		describe.Number("networks of others", len(r.table.Prefixes(append(slices.Clone(r.cfg.Routes), r.cfg.Local.Prefix)...))),
	)
}
