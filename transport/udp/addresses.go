package udp

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
)

// addresses are those of a host, in the order in which they are to be tried. Making
// a socket proves nothing over UDP: where a host has several, the one that answered
// comes first, and one that did not after all others.
type addresses struct {
	host   string
	lookup func(ctx context.Context, host string) ([]net.IPAddr, error)

	mu       sync.Mutex // the goroutine of a connection tells what came
	last     netip.Addr
	answered bool
}

func newAddresses(host string) *addresses {
	return &addresses{host: host, lookup: net.DefaultResolver.LookupIPAddr}
}

// next asks for the addresses, and puts those first that are worth to be tried first.
func (a *addresses) next(ctx context.Context) ([]netip.Addr, error) {
	found, err := a.lookup(ctx, a.host)
	if err != nil {
		return nil, err
	}
	var list []netip.Addr
	for _, ip := range found {
		if addr, ok := netip.AddrFromSlice(ip.IP); ok {
			list = append(list, addr.Unmap().WithZone(ip.Zone))
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	first := slices.Index(list, a.last)
	if first < 0 {
		return list, nil
	}
	if !a.answered {
		first++
	}
	return slices.Concat(list[first:], list[:first]), nil
}

// tried notes which address there is a socket for now. The function it returns is
// to be called when something has come from there.
func (a *addresses) tried(addr netip.Addr) (heard func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last, a.answered = addr, false
	return sync.OnceFunc(func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.last == addr {
			a.answered = true
		}
	})
}
