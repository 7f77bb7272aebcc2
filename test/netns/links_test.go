//go:build linux

package netns

import (
	"fmt"
	"net/netip"
	"strconv"

	"receptor/test/netns/lab"
)

// linkPort is where a node listens for neighbours.
const linkPort = 7100

// backend is a way to link nodes.
type backend struct {
	name     string
	listener func(h *lab.Host) []string
	peer     func(h *lab.Host) []string
}

func at(ip netip.Addr) string { return netip.AddrPortFrom(ip, linkPort).String() }

func listener(action string, ip netip.Addr) []string {
	return []string{"--" + action, "bindaddr=" + ip.String(), "port=" + strconv.Itoa(linkPort)}
}

// Every backend on its own; UDP by IPv6, for both are met then.
var (
	overTCP = backend{
		name:     "TCP",
		listener: func(h *lab.Host) []string { return listener("tcp-listener", h.V4) },
		peer:     func(h *lab.Host) []string { return []string{"--tcp-peer", "address=" + at(h.V4)} },
	}
	overUDP = backend{
		name:     "UDP",
		listener: func(h *lab.Host) []string { return listener("udp-listener", h.V6) },
		peer:     func(h *lab.Host) []string { return []string{"--udp-peer", "address=" + at(h.V6)} },
	}
	overWebSocket = backend{
		name:     "WebSocket",
		listener: func(h *lab.Host) []string { return listener("ws-listener", h.V4) },
		peer:     func(h *lab.Host) []string { return []string{"--ws-peer", fmt.Sprintf("address=ws://%s/", at(h.V4))} },
	}
)
