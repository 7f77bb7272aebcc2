package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"slices"
)

// maxServiceName is how many bytes a name has on the wire.
const maxServiceName = 8

var errTaken = errors.New("is already listening")

// claim takes a service name of this node; the empty name is always free.
func (c *Config) claim(service string) error {
	if service == "" {
		return nil
	}
	if err := checkServiceName(service); err != nil {
		return err
	}
	if service == "ping" || service == "unreach" || c.services[service] {
		return fmt.Errorf("service %s %w", service, errTaken)
	}
	if c.services == nil {
		c.services = make(map[string]bool)
	}
	c.services[service] = true
	return nil
}

// claimDatagrams is claim for a service without streams; a name that is taken is
// refused in words of its own.
func (c *Config) claimDatagrams(service string) error {
	err := c.claim(service)
	if errors.Is(err, errTaken) {
		return fmt.Errorf("%w and advertising", err)
	}
	return err
}

func checkServiceName(service string) error {
	if len(service) > maxServiceName {
		return fmt.Errorf("service name %s too long (at most %d bytes)", service, maxServiceName)
	}
	return nil
}

func checkCost(cost float64, byNode map[string]float64) error {
	positive := func(c float64) bool { return c > 0 && !math.IsInf(c, 0) } // false for NaN too
	if !positive(cost) {
		return errors.New("connection cost must be positive")
	}
	for _, node := range slices.Sorted(maps.Keys(byNode)) {
		if !positive(byNode[node]) {
			return fmt.Errorf("connection cost must be positive for %s", node)
		}
	}
	return nil
}

func checkPort(port int) error {
	if port < 0 || port > math.MaxUint16 {
		return fmt.Errorf("address %d: invalid port", port)
	}
	return nil
}

func checkListenPort(port int) error {
	if err := checkPort(port); err != nil {
		return fmt.Errorf("listen tcp: %w", err)
	}
	return nil
}

// limitMode leaves of a socket's mode what a socket can have.
func (c *Config) limitMode(mode *fs.FileMode) {
	if *mode <= 0o777 {
		return
	}
	c.warn(fmt.Sprintf("permissions %d are %#o in octal, %#o is used: write 0%[1]d if that was meant",
		*mode, uint32(*mode), uint32(*mode&0o777)))
	*mode &= 0o777
}
