//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"os"

	"receptor/test/netns/tapswitch"
)

// tunDevice is what the switch in user space needs of the kernel.
const tunDevice = tapswitch.TunDevice

// Wire joins hosts by a switch in user space. Switch.Set says how long packets
// take.
type Wire struct {
	Hosts  []*Host
	Switch *tapswitch.Switch
}

// NewWire joins that many new hosts.
func NewWire(ctx context.Context, hosts int) (*Wire, error) {
	w := &Wire{Switch: tapswitch.New()}
	for number := 1; number <= hosts; number++ {
		if err := w.join(ctx, number); err != nil {
			return nil, errors.Join(fmt.Errorf("host %d: %w", number, err), w.Close(ctx))
		}
	}
	return w, nil
}

func (w *Wire) join(ctx context.Context, number int) error {
	h, err := newHost(ctx, number)
	if err != nil {
		return err
	}
	w.Hosts = append(w.Hosts, h)
	var tap *os.File
	err = h.Do(func() error {
		tap, err = tapswitch.Tap("eth0")
		return err
	})
	if err != nil {
		return err
	}
	w.Switch.Plug(tap)
	return h.settle(ctx)
}

// Close removes the hosts and the switch.
func (w *Wire) Close(ctx context.Context) error {
	problems := []error{w.Switch.Close()}
	for _, h := range w.Hosts {
		problems = append(problems, h.close(ctx))
	}
	return errors.Join(problems...)
}
