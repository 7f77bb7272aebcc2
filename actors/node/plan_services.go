package node

import (
	"fmt"
	"net"

	"receptor/actors/services"
	"receptor/transport"
	"receptor/transport/unixsock"
)

// openServices opens the listening side of every service.
func (p *plan) openServices() error {
	for _, open := range []func(Services) error{
		p.openTCPServers, p.openTCPClients, p.openUDPProxies, p.openUnixServers, p.openUnixClients,
		p.openCommands, p.openIPRouters,
	} {
		if err := open(p.cfg.Services); err != nil {
			return err
		}
	}
	return nil
}

// serviceBinding is a service of the mesh, opened now.
func (p *plan) serviceBinding(service, tls string) (*transport.Binding[transport.StreamListener], error) {
	binding := p.meshBinding(service, tls)
	if _, err := prepare(p, binding); err != nil {
		return nil, fmt.Errorf("error listening on Receptor network: %w", err)
	}
	return binding, nil
}

func (p *plan) openTCPServers(s Services) error {
	for _, c := range s.TCPServers {
		cfg, _, err := p.serverTLS(c.TLSServer)
		if err != nil {
			return err
		}
		if _, err := p.store.Client(c.TLSClient); err != nil {
			return err
		}
		binding := transport.NewBinding(func() (net.Listener, error) { return net.Listen("tcp", c.Addr) })
		if _, err := prepare(p, binding); err != nil {
			return fmt.Errorf("error listening on TCP: %w", err)
		}
		p.proxies.TCPServers = append(p.proxies.TCPServers, services.TCPServer{
			Addr: c.Addr, Binding: binding, TLS: cfg,
			RemoteNode: c.RemoteNode, RemoteService: c.RemoteService, TLSClient: c.TLSClient,
		})
	}
	return nil
}

func (p *plan) openTCPClients(s Services) error {
	for _, c := range s.TCPClients {
		host, _, err := net.SplitHostPort(c.Addr)
		if err != nil {
			return err
		}
		cfg, _, err := p.clientTLS(c.TLSClient, host)
		if err != nil {
			return err
		}
		binding, err := p.serviceBinding(c.Service, c.TLSServer)
		if err != nil {
			return err
		}
		p.proxies.TCPClients = append(p.proxies.TCPClients, services.TCPClient{
			Service: c.Service, Binding: binding, TLSServer: c.TLSServer, Addr: c.Addr, TLS: cfg,
		})
	}
	return nil
}

func (p *plan) openUDPProxies(s Services) error {
	for _, c := range s.UDPServers {
		binding := services.ListenUDP(c.Addr)
		if _, err := prepare(p, binding); err != nil {
			return fmt.Errorf("error listening on UDP: %w", err)
		}
		p.proxies.UDPServers = append(p.proxies.UDPServers, services.UDPServer{
			Addr: c.Addr, Binding: binding, RemoteNode: c.RemoteNode, RemoteService: c.RemoteService,
		})
	}
	for _, c := range s.UDPClients {
		if _, err := net.ResolveUDPAddr("udp", c.Addr); err != nil {
			return fmt.Errorf("could not resolve UDP address %s: %w", c.Addr, err)
		}
		binding := services.ListenDatagrams(p.plane, c.Service)
		if _, err := prepare(p, binding); err != nil {
			return fmt.Errorf("error listening on service %s: %w", c.Service, err)
		}
		p.proxies.UDPClients = append(p.proxies.UDPClients, services.UDPClient{
			Service: c.Service, Binding: binding, Addr: c.Addr,
		})
	}
	return nil
}

func (p *plan) openUnixServers(s Services) error {
	for _, c := range s.UnixServers {
		if _, err := p.store.Client(c.TLS); err != nil {
			return err
		}
		binding := unixsock.Listen(c.Path, c.Mode)
		if _, err := prepare(p, binding); err != nil {
			return err
		}
		p.proxies.UnixServers = append(p.proxies.UnixServers, services.UnixServer{
			Path: c.Path, Binding: binding, RemoteNode: c.RemoteNode, RemoteService: c.RemoteService, TLSClient: c.TLS,
		})
	}
	return nil
}

func (p *plan) openUnixClients(s Services) error {
	for _, c := range s.UnixClients {
		binding, err := p.serviceBinding(c.Service, c.TLS)
		if err != nil {
			return err
		}
		p.proxies.UnixClients = append(p.proxies.UnixClients, services.UnixClient{
			Service: c.Service, Binding: binding, TLSServer: c.TLS, Path: c.Path,
		})
	}
	return nil
}

func (p *plan) openCommands(s Services) error {
	for _, c := range s.CommandServices {
		argv, err := services.SplitCommand(c.Command)
		if err != nil {
			return fmt.Errorf("command of service %s: %w", c.Service, err)
		}
		binding, err := p.serviceBinding(c.Service, c.TLS)
		if err != nil {
			return err
		}
		p.proxies.Commands = append(p.proxies.Commands, services.Command{
			Service: c.Service, Binding: binding, TLSServer: c.TLS, Argv: argv,
		})
	}
	return nil
}

func (p *plan) openIPRouters(s Services) error {
	for _, c := range s.IPRouters {
		r, err := services.NewIPRouter(p.plane, services.IPRouterText{
			Network: c.Network, Interface: c.Interface, LocalNet: c.LocalNet, Routes: c.Routes,
		})
		if err != nil {
			return err
		}
		if _, err := prepare(p, r.Socket); err != nil {
			return err
		}
		if _, err := prepare(p, r.Device); err != nil {
			return err
		}
		p.proxies.IPRouters = append(p.proxies.IPRouters, r)
	}
	return nil
}
