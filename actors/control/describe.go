package control

import (
	"receptor/actors/supervise"
	"receptor/actors/supervise/describe"
	inspectv1 "receptor/proto/inspect/v1"
)

// This file is what the control service says of itself to people: never what a
// client said.

var (
	_ supervise.Describer = (*listener)(nil)
	_ supervise.Describer = (*connection)(nil)
)

// Describe implements supervise.Describer.
func (l *listener) Describe() *inspectv1.Description {
	d := describe.Of(
		describe.Text("listens at", l.cfg.Name), describe.Flag("trusts its clients", l.cfg.Trusted),
		describe.Number("clients", len(l.Children())), describe.Number("accepted", l.accepted),
	)
	if l.cfg.Advertise != nil {
		d = describe.Refer(d, describe.Service(l.cfg.NodeID, l.cfg.Advertise.GetService()))
	}
	return d
}

// Describe implements supervise.Describer.
func (c *connection) Describe() *inspectv1.Description {
	d := describe.Of(describe.Text("client", c.client()), describe.Text("receives a payload for", c.unit))
	if c.unit != "" {
		d = describe.Refer(d, describe.Unit(c.unit))
	}
	return d
}

// client is the address of the far end. A Unix socket has none.
func (c *connection) client() string {
	if addr := c.seat.conn.RemoteAddr(); addr != nil && addr.String() != "" && addr.String() != "@" {
		return addr.String()
	}
	return "local"
}
