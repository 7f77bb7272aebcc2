//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
)

// Bridge is an Ethernet switch of the kernel, with a rule set.
//
//	h1 eth0 ── h1p ┐
//	h2 eth0 ── h2p ┼─ bridge, rules
//	h3 eth0 ── h3p ┘
type Bridge struct {
	Hosts []*Host
	name  string
	rules []Rule
}

// NewBridge joins that many new hosts.
func NewBridge(ctx context.Context, hosts int) (*Bridge, error) {
	b := &Bridge{name: fmt.Sprintf("br%d", made.Add(1))}
	err := commands(ctx, "ip link add "+b.name+" type bridge mcast_snooping 0", "ip link set "+b.name+" up")
	for number := 1; number <= hosts && err == nil; number++ {
		err = b.join(ctx, number)
	}
	if err != nil {
		return nil, errors.Join(err, b.Close(ctx))
	}
	return b, nil
}

// join plugs in a new host. Segments are cut to packets before they leave it:
// rules and rates are about packets of the wire.
func (b *Bridge) join(ctx context.Context, number int) error {
	h, err := newHost(ctx, number)
	if err != nil {
		return err
	}
	b.Hosts = append(b.Hosts, h)
	port := b.port(h)
	err = commands(ctx,
		"ip link add "+port+" type veth peer name eth0 netns "+h.Name,
		"ip -n "+h.Name+" link set eth0 gso_max_segs 1",
		"ip link set "+port+" master "+b.name+" up")
	if err != nil {
		return err
	}
	return h.settle(ctx)
}

func (b *Bridge) port(h *Host) string { return h.Name + "p" }

// Plug plugs a host in, or pulls its cable.
func (b *Bridge) Plug(ctx context.Context, h *Host, in bool) error {
	state := map[bool]string{true: "up", false: "down"}[in]
	return commands(ctx, "ip link set "+b.port(h)+" "+state)
}

// Close removes the hosts, the bridge and its rules.
func (b *Bridge) Close(ctx context.Context) error {
	var problems []error
	for _, h := range b.Hosts {
		problems = append(problems, h.close(ctx))
	}
	problems = append(problems, commands(ctx, "ip link del "+b.name))
	if b.rules != nil {
		problems = append(problems, commands(ctx, "nft delete table bridge "+b.name))
	}
	return errors.Join(problems...)
}
