package tun

import (
	"errors"
	"io/fs"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"receptor/actors/services/internal/netns"
)

func config(name string) Config {
	return Config{Name: name, Local: netip.MustParseAddr("10.77.0.1"), Peer: netip.MustParseAddr("10.77.0.2"), Bits: 30}
}

// openIn opens a device in a namespace.
func openIn(t *testing.T, ns *netns.Namespace, cfg Config) (d *Device) {
	t.Helper()
	ns.Do(t, func() (err error) {
		d, err = Open(cfg)
		return err
	})
	t.Cleanup(func() {
		if err := d.Close(); err != nil && !errors.Is(err, fs.ErrClosed) {
			t.Error(err)
		}
	})
	return d
}

// routes are those of a device that somebody made.
func routes(t *testing.T, ns *netns.Namespace, name string) (list []string) {
	t.Helper()
	ns.Do(t, func() error {
		link, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		for _, family := range []int{unix.AF_INET, unix.AF_INET6} {
			found, err := netlink.RouteList(link, family)
			if err != nil {
				return err
			}
			for _, r := range found {
				if p, ok := prefixOf(r, family); ok && r.Protocol != unix.RTPROT_KERNEL {
					list = append(list, p.String())
				}
			}
		}
		return nil
	})
	slices.Sort(list)
	return list
}

func prefixes(texts ...string) (list []netip.Prefix) {
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

func TestDeviceHasItsNameAndAddress(t *testing.T) {
	ns := netns.New(t)
	d := openIn(t, ns, config("mesh0"))
	if d.Name() != "mesh0" {
		t.Errorf("it is called %s", d.Name())
	}
	ns.Do(t, func() error {
		link, err := netlink.LinkByName("mesh0")
		if err != nil {
			return err
		}
		addrs, err := netlink.AddrList(link, unix.AF_INET)
		if err != nil {
			return err
		}
		if len(addrs) != 1 || addrs[0].IP.String() != "10.77.0.1" || addrs[0].Peer.String() != "10.77.0.2/30" {
			t.Errorf("addresses %v", addrs)
		}
		return nil
	})
	if other := openIn(t, ns, Config{Local: netip.MustParseAddr("10.78.0.1"), Peer: netip.MustParseAddr("10.78.0.2"), Bits: 30}); other.Name() != "tun0" {
		t.Errorf("without a name it is called %s", other.Name())
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	ns.Do(t, func() error {
		if _, err := netlink.LinkByName("mesh0"); err == nil {
			t.Error("the device is still there")
		}
		return nil
	})
}

func TestRoutesAreReconciled(t *testing.T) {
	ns := netns.New(t)
	d := openIn(t, ns, config("mesh0"))
	for _, want := range [][]string{
		{"10.1.0.0/16", "10.2.0.0/16", "fd01::/64"},
		{"10.2.0.0/16", "10.3.3.3/32", "0.0.0.0/0", "::/0"},
		{"10.2.0.0/16"},
		{},
	} {
		if err := d.SetRoutes(prefixes(want...)); err != nil {
			t.Fatal(err)
		}
		slices.Sort(want)
		if got := routes(t, ns, "mesh0"); !slices.Equal(got, want) {
			t.Errorf("%v instead of %v", got, want)
		}
	}
	ns.Do(t, func() error { // somebody's own route, and one that is taken away
		link, err := netlink.LinkByName("mesh0")
		if err != nil {
			return err
		}
		dst, err := netlink.ParseIPNet("10.9.0.0/16")
		if err != nil {
			return err
		}
		return netlink.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Dst: dst})
	})
	if err := d.SetRoutes(prefixes("10.1.0.0/16")); err != nil {
		t.Fatal(err)
	}
	if got := routes(t, ns, "mesh0"); !slices.Equal(got, []string{"10.1.0.0/16"}) {
		t.Errorf("%v", got)
	}
}

func TestARouteThatIsTakenIsTold(t *testing.T) {
	ns := netns.New(t)
	openIn(t, ns, Config{Name: "other", Local: netip.MustParseAddr("10.1.0.1"), Peer: netip.MustParseAddr("10.1.0.2"), Bits: 30})
	d := openIn(t, ns, config("mesh0"))
	ns.Do(t, func() error {
		link, err := netlink.LinkByName("other")
		if err != nil {
			return err
		}
		dst, err := netlink.ParseIPNet("10.5.0.0/16")
		if err != nil {
			return err
		}
		return netlink.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Dst: dst})
	})
	err := d.SetRoutes(prefixes("10.5.0.0/16", "10.6.0.0/16"))
	if err == nil || !strings.Contains(err.Error(), "add a route to 10.5.0.0/16") {
		t.Errorf("%v", err)
	}
	if got := routes(t, ns, "mesh0"); !slices.Equal(got, []string{"10.6.0.0/16"}) {
		t.Errorf("the others: %v", got)
	}
}

func TestCloseWakesTheReader(t *testing.T) {
	d := openIn(t, netns.New(t), config(""))
	ended := make(chan error, 1)
	go func() {
		b := make([]byte, MaxPacket)
		for {
			if _, err := d.Read(b); err != nil {
				ended <- err
				return
			}
		}
	}()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !Closed(err) {
		t.Errorf("%v", err)
	}
	if err := d.SetRoutes(nil); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("%v", err)
	}
}

func TestDevicesThatCanNotBe(t *testing.T) {
	ns := netns.New(t)
	openIn(t, ns, config("mesh0"))
	for _, name := range []string{"a-name-that-is-too-long", "mesh0", "lo"} {
		err := ns.Enter(func() error {
			_, err := Open(config(name))
			return err
		})
		if err == nil || !strings.HasPrefix(err.Error(), "error opening tun device: ") || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
