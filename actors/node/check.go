package node

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"receptor/transport/wire"
)

// completed is the configuration with what was left out, if nothing in it would
// harm this node or its neighbours.
func (c Config) completed() (Config, error) {
	if c.DataDir == "" {
		c.DataDir = filepath.Join(os.TempDir(), "receptor")
	}
	if err := errors.Join(checkID(c.ID), checkIdle(c.MaxIdle), c.checkLinks(), c.checkTargets(), c.checkWork()); err != nil {
		return Config{}, err
	}
	return c, nil
}

// checkID refuses what can't name a node. The ID is part of a path in the data
// folder, and it is shown on terminals.
func checkID(id string) error {
	switch {
	case id == "":
		return errors.New("node ID must not be empty")
	case strings.EqualFold(id, reservedID):
		return fmt.Errorf("node ID %q is reserved: give the node another one", id)
	case id == "." || id == ".." || strings.Contains(id, "/"):
		return fmt.Errorf("node ID %q can't be the name of a folder", id)
	case !utf8.ValidString(id) || strings.ContainsFunc(id, unicode.IsControl):
		return fmt.Errorf("node ID %q contains control characters", id)
	}
	return nil
}

// minIdle is what neighbours rely on: they may say nothing for so long.
const minIdle = 21 * time.Second

func checkIdle(d time.Duration) error {
	if d != 0 && d < minIdle {
		return fmt.Errorf("MaxIdle %v: neighbours may be silent for %v", d, minIdle)
	}
	return nil
}

// checkLinks wants costs with which routes can be computed, here and elsewhere.
func (c Config) checkLinks() error {
	var errs []error
	check := func(addr string, r LinkRules) {
		if err := r.check(); err != nil {
			errs = append(errs, fmt.Errorf("link %s: %w", addr, err))
		}
	}
	for _, l := range c.TCPListeners {
		check(l.Addr, l.LinkRules)
	}
	for _, l := range c.UDPListeners {
		check(l.Addr, l.LinkRules)
	}
	for _, l := range c.WSListeners {
		check(l.Addr, l.LinkRules)
	}
	for _, p := range c.TCPPeers {
		check(p.Addr, p.LinkRules)
	}
	for _, p := range c.UDPPeers {
		check(p.Addr, p.LinkRules)
	}
	for _, p := range c.WSPeers {
		check(p.URL, p.LinkRules)
	}
	for _, b := range c.Backends {
		check(b.Name, LinkRules{Cost: b.Cost, NodeCost: b.NodeCost})
	}
	return errors.Join(errs...)
}

func (r LinkRules) check() error {
	usable := func(cost float64) bool { return cost > 0 && !math.IsInf(cost, 0) } // false for NaN, too
	if r.Cost != 0 && !usable(r.Cost) {
		return errors.New("connection cost must be positive")
	}
	for _, node := range slices.Sorted(maps.Keys(r.NodeCost)) {
		if !usable(r.NodeCost[node]) {
			return fmt.Errorf("connection cost must be positive for %s", node)
		}
	}
	return nil
}

// checkTargets wants services of other nodes that there can be.
func (c Config) checkTargets() error {
	var errs []error
	check := func(service string) {
		if _, err := wire.ParseService(service); err != nil {
			errs = append(errs, err)
		}
	}
	for _, s := range c.TCPServers {
		check(s.RemoteService)
	}
	for _, s := range c.UDPServers {
		check(s.RemoteService)
	}
	for _, s := range c.UnixServers {
		check(s.RemoteService)
	}
	return errors.Join(errs...)
}

// checkWork wants types of work that can be told apart.
func (c Config) checkWork() error {
	types := map[string]bool{"remote": true}
	var errs []error
	check := func(name string) {
		switch {
		case name == "":
			errs = append(errs, errors.New("a work type needs a name"))
		case types[name]:
			errs = append(errs, fmt.Errorf("work type %s already registered", name))
		}
		types[name] = true
	}
	for _, w := range c.WorkCommands {
		check(w.Type)
	}
	for _, w := range c.WorkPython {
		check(w.Type)
	}
	for _, w := range c.WorkKubernetes {
		check(w.Type)
	}
	return errors.Join(errs...)
}
