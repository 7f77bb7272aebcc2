// Package netns gives tests network namespaces of their own.
package netns

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Namespace has nothing but a loopback interface that is up.
type Namespace struct{ file *os.File }

// New makes a namespace that lasts as long as the test. It skips the test if that
// is not allowed here, or there are no tun devices.
func New(t testing.TB) *Namespace {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("network namespaces and tun devices need root")
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		t.Skipf("tun devices need /dev/net/tun: %v", err)
	}
	n := &Namespace{}
	err := apart(func() (err error) {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("unshare: %w", err)
		}
		n.file, err = os.Open("/proc/thread-self/ns/net")
		return err
	})
	if errors.Is(err, unix.EPERM) {
		t.Skipf("a network namespace can't be had here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.file.Close() })
	n.Do(t, func() error {
		lo, err := netlink.LinkByName("lo")
		if err != nil {
			return err
		}
		return netlink.LinkSetUp(lo)
	})
	return n
}

// apart calls f on a thread that nobody uses any more afterwards.
func apart(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		done <- f()
	}()
	return <-done
}

// Enter calls f in the namespace. What f opens stays there.
func (n *Namespace) Enter(f func() error) error {
	return apart(func() error {
		if err := unix.Setns(int(n.file.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter a network namespace: %w", err)
		}
		return f()
	})
}

// Do is Enter for what must not fail.
func (n *Namespace) Do(t testing.TB, f func() error) {
	t.Helper()
	if err := n.Enter(f); err != nil {
		t.Fatal(err)
	}
}

// AddAddress gives the loopback interface an address, in CIDR notation.
func (n *Namespace) AddAddress(t testing.TB, cidr string) {
	t.Helper()
	n.Do(t, func() error {
		lo, err := netlink.LinkByName("lo")
		if err != nil {
			return err
		}
		addr, err := netlink.ParseAddr(cidr)
		if err != nil {
			return err
		}
		addr.Flags = unix.IFA_F_NODAD
		return netlink.AddrAdd(lo, addr)
	})
}

// Listen opens a TCP listener in the namespace.
func (n *Namespace) Listen(t testing.TB, addr string) (l net.Listener) {
	t.Helper()
	n.Do(t, func() (err error) {
		l, err = net.Listen("tcp", addr)
		return err
	})
	return l
}

// ListenPacket opens a packet socket in the namespace.
func (n *Namespace) ListenPacket(t testing.TB, network, addr string) (c net.PacketConn) {
	t.Helper()
	n.Do(t, func() (err error) {
		c, err = net.ListenPacket(network, addr)
		return err
	})
	return c
}
