// Package tun is a network interface whose far side is this process, and the
// kernel's routes that lead to it.
package tun

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Config describes a device.
type Config struct {
	Name  string // empty: the kernel's choice
	Local netip.Addr
	Peer  netip.Addr // shares a network of Bits with Local; the gateway of all routes
	Bits  int
}

// listAttempts bounds how often a list of routes that changed meanwhile is read.
const listAttempts = 5

// MaxPacket is the longest IP packet.
const MaxPacket = 1<<16 - 1

// Device is one tun interface. It stays in the network namespace in which it was
// opened, whichever goroutine uses it. Read and Write are for one goroutine each,
// SetRoutes for a third; Close may be called by any and wakes them.
type Device struct {
	cfg    Config
	file   *os.File
	kernel *netlink.Handle
	link   netlink.Link

	mu     sync.Mutex // guards kernel and closed
	closed bool
}

// Open makes the interface, gives it its address and sets it up. It needs the
// right to do so.
func Open(cfg Config) (*Device, error) {
	d, err := open(cfg)
	if err != nil {
		return nil, fmt.Errorf("error opening tun device: %w", err)
	}
	return d, nil
}

func open(cfg Config) (*Device, error) {
	if len(cfg.Name) >= unix.IFNAMSIZ {
		return nil, fmt.Errorf("interface name %s is longer than %d bytes", cfg.Name, unix.IFNAMSIZ-1)
	}
	kernel, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	d := &Device{cfg: cfg, kernel: kernel}
	if err := d.create(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *Device) create() error {
	made := &netlink.Tuntap{
		LinkAttrs: netlink.LinkAttrs{Name: d.cfg.Name},
		Mode:      netlink.TUNTAP_MODE_TUN, Flags: netlink.TUNTAP_NO_PI, Queues: 1, NonPersist: true,
	}
	if err := d.kernel.LinkAdd(made); err != nil {
		return fmt.Errorf("make interface %s: %w (it takes the right to, and a name that is free)", cmp.Or(d.cfg.Name, "tun"), err)
	}
	d.file = made.Fds[0]
	d.link = made
	bits := net.CIDRMask(d.cfg.Bits, d.cfg.Local.BitLen())
	addr := &netlink.Addr{
		IPNet: &net.IPNet{IP: d.cfg.Local.AsSlice(), Mask: net.CIDRMask(d.cfg.Local.BitLen(), d.cfg.Local.BitLen())},
		Peer:  &net.IPNet{IP: d.cfg.Peer.AsSlice(), Mask: bits},
	}
	if err := d.kernel.AddrReplace(made, addr); err != nil {
		return fmt.Errorf("give %s the address %s: %w", d.Name(), d.cfg.Local, err)
	}
	if err := d.kernel.LinkSetUp(made); err != nil {
		return fmt.Errorf("set %s up: %w", d.Name(), err)
	}
	return nil
}

// Name is that of the interface.
func (d *Device) Name() string { return d.link.Attrs().Name }

// Read returns the next packet that the kernel sends.
func (d *Device) Read(b []byte) (int, error) { return d.file.Read(b) }

// Write hands a packet to the kernel as one that was received.
func (d *Device) Write(b []byte) (int, error) { return d.file.Write(b) }

// Closed reports whether an error says that the device is gone for good.
func Closed(err error) bool { return errors.Is(err, fs.ErrClosed) || errors.Is(err, unix.EBADFD) }

// Close removes the interface and with it its routes.
func (d *Device) Close() error {
	var err error
	if d.file != nil {
		err = d.file.Close()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.closed = true
		d.kernel.Close()
	}
	return err
}

// SetRoutes makes the kernel route exactly these networks to the device. The
// device's own network, link-local ones and what the kernel made by itself are
// left alone. An error names what could not be done; the rest is done.
func (d *Device) SetRoutes(want []netip.Prefix) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return fs.ErrClosed
	}
	have, err := d.current()
	if err != nil {
		return fmt.Errorf("list the routes of %s: %w", d.Name(), err)
	}
	var errs []error
	for prefix, route := range have {
		if slices.Contains(want, prefix) {
			continue
		}
		if err := d.kernel.RouteDel(&route); err != nil && !errors.Is(err, unix.ESRCH) {
			errs = append(errs, fmt.Errorf("remove the route to %s: %w", prefix, err))
		}
	}
	for _, prefix := range want {
		if _, ok := have[prefix]; ok {
			continue
		}
		if err := d.kernel.RouteAdd(d.route(prefix)); err != nil {
			errs = append(errs, fmt.Errorf("add a route to %s: %w", prefix, err))
		}
	}
	return errors.Join(errs...)
}

// current are the routes to the device that are ours to change.
func (d *Device) current() (map[netip.Prefix]netlink.Route, error) {
	have := map[netip.Prefix]netlink.Route{}
	for _, family := range []int{unix.AF_INET, unix.AF_INET6} {
		routes, err := d.list(family)
		if err != nil {
			return nil, err
		}
		for _, r := range routes {
			prefix, ok := prefixOf(r, family)
			if ok && r.Protocol != unix.RTPROT_KERNEL && !d.sacred(prefix) {
				have[prefix] = r
			}
		}
	}
	return have, nil
}

// list asks the kernel, and again if the routes changed under its hands.
func (d *Device) list(family int) (routes []netlink.Route, err error) {
	filter := &netlink.Route{LinkIndex: d.link.Attrs().Index, Table: unix.RT_TABLE_MAIN}
	for range listAttempts {
		routes, err = d.kernel.RouteListFiltered(family, filter, netlink.RT_FILTER_OIF|netlink.RT_FILTER_TABLE)
		if !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
	}
	if errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EOPNOTSUPP) {
		return nil, nil // a kernel without that family has no routes of it
	}
	return routes, err
}

// prefixOf is where a route leads.
func prefixOf(r netlink.Route, family int) (netip.Prefix, bool) {
	if r.Dst == nil { // how the library writes the default route
		if family == unix.AF_INET {
			return netip.PrefixFrom(netip.IPv4Unspecified(), 0), true
		}
		return netip.PrefixFrom(netip.IPv6Unspecified(), 0), true
	}
	addr, ok := netip.AddrFromSlice(r.Dst.IP)
	bits, _ := r.Dst.Mask.Size()
	if family == unix.AF_INET {
		addr = addr.Unmap()
	}
	return netip.PrefixFrom(addr, bits), ok
}

// sacred networks belong to the device.
func (d *Device) sacred(p netip.Prefix) bool {
	own, err := d.cfg.Local.Prefix(d.cfg.Bits)
	return err == nil && p == own || p.Addr().IsLinkLocalUnicast() || p.Addr().IsMulticast()
}

func (d *Device) route(p netip.Prefix) *netlink.Route {
	r := &netlink.Route{
		LinkIndex: d.link.Attrs().Index,
		Dst:       &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())},
	}
	if p.Addr().Is4() {
		r.Gw = d.cfg.Peer.AsSlice()
	}
	return r
}
