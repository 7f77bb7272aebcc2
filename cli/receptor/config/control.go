package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strconv"
	"strings"
)

// ControlService answers control commands on the mesh, on a Unix socket and on a
// TCP port: those of them that are not empty.
type ControlService struct {
	Service     string
	Filename    string
	Permissions fs.FileMode
	TLS         string // of the mesh service
	TCPListen   string // host:port
	TCPTLS      string
}

var controlActions = []action{
	define(action{
		name: "control-service", section: general,
		about: "Answer control commands.",
	}, ControlService{Service: "control", Permissions: 0o600}, applyControlService,
		with("service", 0, "Service name on the mesh; empty for none.",
			func(s *ControlService) *string { return &s.Service }),
		with("filename", 0, "Unix socket to listen on.",
			func(s *ControlService) *string { return &s.Filename }),
		with("permissions", 0, "Mode of the Unix socket.",
			func(s *ControlService) *fs.FileMode { return &s.Permissions }),
		with("tls", namesServer, "tls-server of the mesh service.",
			func(s *ControlService) *string { return &s.TLS }),
		with("tcplisten", 0, "TCP port or host:port to listen on.",
			func(s *ControlService) *string { return &s.TCPListen }),
		with("tcptls", namesServer, "tls-server of the TCP port.",
			func(s *ControlService) *string { return &s.TCPTLS }),
	),
}

func applyControlService(c *Config, s *ControlService) error {
	if s.Service == "" && s.Filename == "" && s.TCPListen == "" {
		return errors.New("no listeners specified")
	}
	if err := c.claim(s.Service); err != nil {
		return fmt.Errorf("error opening Unix socket: %w", err)
	}
	c.limitMode(&s.Permissions)
	if err := s.completeTCP(); err != nil {
		return fmt.Errorf("error listening on TCP socket: %w", err)
	}
	switch {
	case s.TCPListen == "":
		s.TCPTLS = "" // nobody asks what it names
	case s.TLS != "" && s.TCPTLS == "":
		c.warn(fmt.Sprintf("Control service %s has TLS configured on the Receptor listener but not the TCP listener.", s.Service))
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
		return checkListenPort(n)
	}
	return nil // a name, such as http
}
