package config

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	defaultDataDir = "/tmp/receptor"
	minIdle        = 21 * time.Second // the default too: three routing updates, a little late
	maxServiceName = 8                // bytes a name has on the wire
)

// levels are the names of the log levels.
var levels = []string{"error", "warning", "info", "debug"}

func applyNode(c *Config, n *Node) error {
	n.MaxIdle = minIdle
	if n.maxIdle != "" {
		idle, err := time.ParseDuration(n.maxIdle)
		if err != nil {
			return errors.New("failed to parse MaxIdleConnectionTimeout from configuration file -- valid examples include '1.5h', '30m', '30m10s'")
		}
		if idle < minIdle {
			return fmt.Errorf("user defined maxIdleConnectionTimeout [%d] is less than the default default timeout [%d]", idle, minIdle)
		}
		n.MaxIdle = idle
	}
	c.Node = *n
	return nil
}

func applyLocalOnly(c *Config, _ *LocalOnly) error {
	c.LocalOnly = true
	return nil
}

func applyVersion(c *Config, _ *none) error {
	c.Show = ShowVersion
	return nil
}

func applyTrace(c *Config, _ *none) error {
	c.Trace = true
	return nil
}

func applyDebug(c *Config, _ *none) error {
	c.Debug = true
	return nil
}

func applyLogLevel(c *Config, l *LogLevel) error {
	level := strings.ToLower(l.Level)
	if !slices.Contains(levels, level) {
		return fmt.Errorf("%s is not a valid log level name (known: %s)", l.Level, strings.Join(levels, ", "))
	}
	c.LogLevel = level
	return nil
}

func applyTCPListener(c *Config, l *TCPListener) error {
	if err := checkCost(l.Cost, l.NodeCost); err != nil {
		return err
	}
	if err := checkPort(l.Port); err != nil {
		return err
	}
	c.TCPListeners = append(c.TCPListeners, *l)
	return nil
}

func applyTCPPeer(c *Config, p *TCPPeer) error {
	if err := checkCost(p.Cost, nil); err != nil {
		return err
	}
	if _, _, err := net.SplitHostPort(p.Address); err != nil {
		return err
	}
	c.TCPPeers = append(c.TCPPeers, *p)
	return nil
}

func applyControlService(c *Config, s *ControlService) error {
	if s.Service == "" && s.Filename == "" && s.TCPListen == "" {
		return errors.New("no listeners specified")
	}
	if err := c.claim(s.Service); err != nil {
		return fmt.Errorf("error opening Unix socket: %w", err)
	}
	if s.Permissions > 0o777 {
		c.Warnings = append(c.Warnings, fmt.Sprintf("permissions %d are %#o in octal, %#o is used: write 0%[1]d if that was meant",
			s.Permissions, uint32(s.Permissions), uint32(s.Permissions&0o777)))
		s.Permissions &= 0o777
	}
	if err := s.completeTCP(); err != nil {
		return fmt.Errorf("error listening on TCP socket: %w", err)
	}
	c.ControlServices = append(c.ControlServices, *s)
	return nil
}

// completeTCP turns a lone port into host:port.
func (s *ControlService) completeTCP() error {
	if s.TCPListen == "" {
		return nil
	}
	if !strings.Contains(s.TCPListen, ":") {
		s.TCPListen = net.JoinHostPort("0.0.0.0", s.TCPListen)
	}
	_, port, err := net.SplitHostPort(s.TCPListen)
	if err != nil {
		return err
	}
	if n, err := strconv.Atoi(port); err == nil {
		return checkPort(n)
	}
	return nil // a name, such as http
}

func applyTCPServer(c *Config, s *TCPServer) error {
	if err := checkPort(s.Port); err != nil {
		return fmt.Errorf("error listening on TCP: %w", err)
	}
	if err := checkServiceName(s.RemoteService); err != nil {
		return err
	}
	c.TCPServers = append(c.TCPServers, *s)
	return nil
}

func applyTCPClient(c *Config, s *TCPClient) error {
	if _, _, err := net.SplitHostPort(s.Address); err != nil {
		return err
	}
	if err := c.claim(s.Service); err != nil {
		return fmt.Errorf("error listening on Receptor network: %w", err)
	}
	c.TCPClients = append(c.TCPClients, *s)
	return nil
}

func applyWorkCommand(c *Config, w *WorkCommand) error {
	taken := func(other WorkCommand) bool { return other.WorkType == w.WorkType }
	if w.WorkType == "remote" || slices.ContainsFunc(c.WorkCommands, taken) {
		return fmt.Errorf("work type %s already registered", w.WorkType)
	}
	if w.VerifySignature {
		return fmt.Errorf("VerifySignature for work command '%s' is true, but the work verification public key is not specified", w.WorkType)
	}
	c.WorkCommands = append(c.WorkCommands, *w)
	return nil
}

// claim takes a service name of this node; the empty name is always free.
func (c *Config) claim(service string) error {
	if service == "" {
		return nil
	}
	if err := checkServiceName(service); err != nil {
		return err
	}
	if service == "ping" || service == "unreach" || c.services[service] {
		return fmt.Errorf("service %s is already listening", service)
	}
	if c.services == nil {
		c.services = make(map[string]bool)
	}
	c.services[service] = true
	return nil
}

func checkServiceName(service string) error {
	if len(service) > maxServiceName {
		return fmt.Errorf("service name %s too long", service)
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
		return fmt.Errorf("listen tcp: address %d: invalid port", port)
	}
	return nil
}
