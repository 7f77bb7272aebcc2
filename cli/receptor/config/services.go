package config

import (
	"fmt"
	"net"
	"strings"

	"github.com/google/shlex"
)

// CommandService is a service on the mesh that runs a command for each
// connection.
type CommandService struct {
	Service string
	Command string
	TLS     string
}

// IPRouter carries IP packets to other nodes with the same network name.
type IPRouter struct {
	NetworkName string
	Interface   string
	LocalNet    string
	Routes      string // with commas between them
}

var serviceActions = []action{
	define(action{
		name: "command-service", section: services,
		about: "Run a command on a terminal of its own for each connection to a service on the mesh.",
	}, CommandService{}, applyCommandService,
		with("service", required, "Service name on the mesh; empty for a random one.",
			func(s *CommandService) *string { return &s.Service }),
		with("command", required|nonEmpty, "Command to run, in shell quoting.",
			func(s *CommandService) *string { return &s.Command }),
		with("tls", namesServer, "tls-server of the mesh service.",
			func(s *CommandService) *string { return &s.TLS }),
	),
	define(action{
		name: "ip-router", section: services,
		about: "Carry IP packets between this host and other nodes with the same network name. Linux only; needs the right to make network interfaces.",
	}, IPRouter{}, applyIPRouter,
		with("networkname", required|nonEmpty, "Name of the network, and of the service on the mesh.",
			func(r *IPRouter) *string { return &r.NetworkName }),
		with("interface", 0, "Name of the network interface. Without it the kernel names it.",
			func(r *IPRouter) *string { return &r.Interface }),
		with("localnet", required|nonEmpty, "An IPv4 network of its own, a /30.",
			func(r *IPRouter) *string { return &r.LocalNet }),
		with("routes", 0, "Networks that other nodes reach through this one, such as 10.1.0.0/16,10.2.0.0/16.",
			func(r *IPRouter) *string { return &r.Routes }),
	),
}

func applyCommandService(c *Config, s *CommandService) error {
	words, err := shlex.Split(s.Command)
	if err != nil {
		return fmt.Errorf("could not split %s like a shell does: %w", s.Command, err)
	}
	if len(words) == 0 {
		return fmt.Errorf("no command to run in %q", s.Command)
	}
	if err := c.claim(s.Service); err != nil {
		return fmt.Errorf("error listening on Receptor network: %w", err)
	}
	c.CommandServices = append(c.CommandServices, *s)
	return nil
}

func applyIPRouter(c *Config, r *IPRouter) error {
	if err := checkLocalNet(r.LocalNet); err != nil {
		return err
	}
	if r.Routes != "" {
		routes := strings.Split(r.Routes, ",")
		for i := range routes {
			routes[i] = strings.TrimSpace(routes[i])
			if _, err := parseCIDR(routes[i]); err != nil {
				return err
			}
		}
		r.Routes = strings.Join(routes, ",")
	}
	if err := c.claimDatagrams(r.NetworkName); err != nil {
		return fmt.Errorf("error listening for service %s: %w", r.NetworkName, err)
	}
	c.IPRouters = append(c.IPRouters, *r)
	return nil
}

// checkLocalNet wants room for two IPv4 addresses: ours and the network's.
func checkLocalNet(text string) error {
	network, err := parseCIDR(text)
	if err != nil {
		return err
	}
	if ones, _ := network.Mask.Size(); ones != 30 {
		return fmt.Errorf("local network %s must be a /30 CIDR", text)
	}
	if network.IP.To4() == nil {
		return fmt.Errorf("local network %s must be IPv4", text)
	}
	return nil
}

func parseCIDR(text string) (*net.IPNet, error) {
	_, network, err := net.ParseCIDR(text)
	if err != nil {
		return nil, fmt.Errorf("could not parse %s as a CIDR address", text)
	}
	return network, nil
}
