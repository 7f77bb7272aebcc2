package tapswitch

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// TunDevice is the file behind every tap.
const TunDevice = "/dev/net/tun"

// Tap makes a network interface in the namespace of the calling thread. What the
// kernel sends there is read, what is written comes in there; the interface ends
// with the file.
func Tap(name string) (*os.File, error) {
	fd, err := unix.Open(TunDevice, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", TunDevice, err)
	}
	request, err := unix.NewIfreq(name)
	if err == nil {
		request.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make the tap %q: %w", name, err), unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), TunDevice), nil // not before: the poller wants an interface behind it
}
