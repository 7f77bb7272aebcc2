//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// netnsDir is where iproute2 keeps named namespaces.
const netnsDir = Scratch + "/netns"

// Host is a network namespace. Number i of a network has the addresses 10.77.0.i
// and fd77::i on its interface eth0.
type Host struct {
	Name   string
	Number int
	V4, V6 netip.Addr

	mac   string
	space *os.File
}

// made counts what is made, for names and addresses that are unique here: rules
// apply to all bridges.
var made atomic.Int64

// newHost makes a namespace without a network.
func newHost(ctx context.Context, number int) (*Host, error) {
	serial := made.Add(1)
	h := &Host{
		Name:   fmt.Sprintf("h%d", serial),
		Number: number,
		V4:     netip.AddrFrom4([4]byte{10, 77, 0, byte(number)}),
		V6:     netip.AddrFrom16([16]byte{0: 0xfd, 1: 0x77, 15: byte(number)}),
		mac:    fmt.Sprintf("02:00:00:00:%02x:%02x", byte(serial>>8), byte(serial)),
	}
	if err := commands(ctx, "ip netns add "+h.Name, "ip -n "+h.Name+" link set lo up"); err != nil {
		return nil, err
	}
	var err error
	h.space, err = os.Open(filepath.Join(netnsDir, h.Name))
	return h, err
}

// settle gives eth0 its addresses and starts it.
func (h *Host) settle(ctx context.Context) error {
	ip := "ip -n " + h.Name
	return commands(ctx,
		ip+" link set eth0 address "+h.mac,
		fmt.Sprintf("%s addr add %s/24 dev eth0", ip, h.V4),
		fmt.Sprintf("%s addr add %s/64 dev eth0 nodad", ip, h.V6),
		ip+" link set eth0 up")
}

// Exec is the command line that runs a program on this host.
func (h *Host) Exec() []string { return []string{"ip", "netns", "exec", h.Name} }

// Do runs f on this host: sockets that its goroutine makes belong there.
func (h *Host) Do(f func() error) error {
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if err := unix.Setns(int(h.space.Fd()), unix.CLONE_NEWNET); err != nil {
			result <- fmt.Errorf("enter %s: %w", h.Name, err)
			return
		}
		result <- f()
	}()
	return <-result
}

// Rate limits what the host sends, in Mbit/s. The queue before the limit holds a
// twentieth of a second.
func (h *Host) Rate(ctx context.Context, mbit int) error {
	return commands(ctx, fmt.Sprintf("tc -n %s qdisc replace dev eth0 root tbf rate %dmbit burst 32kb latency 50ms", h.Name, mbit))
}

// MTU sets the longest packet.
func (h *Host) MTU(ctx context.Context, bytes int) error {
	return commands(ctx, fmt.Sprintf("ip -n %s link set eth0 mtu %d", h.Name, bytes))
}

func (h *Host) close(ctx context.Context) error {
	return errors.Join(h.space.Close(), commands(ctx, "ip netns del "+h.Name))
}
