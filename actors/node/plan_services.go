package node

import (
	"fmt"
	"net"

	"receptor/actors/services"
	"receptor/transport"
	"receptor/transport/unixsock"
)

// saying puts words before an error.
func saying(words string) func(error) error {
	return func(err error) error { return fmt.Errorf("%s: %w", words, err) }
}

// serviceBinding is a service of the mesh.
func (p *plan) serviceBinding(service, tls string) (*transport.Binding[transport.StreamListener], *piece, error) {
	if _, err := p.tls.Server(tls); err != nil {
		return nil, nil, fmt.Errorf("error listening on Receptor network: %w", err)
	}
	binding := p.meshBinding(service, tls)
	opened := opens(binding, saying("error listening on Receptor network"))
	return binding, &piece{sockets: []socket{opened}, late: tls != ""}, nil
}

func (p *plan) tcpServer(c TCPServer) (*piece, error) {
	cfg, _, err := p.serverTLS(c.TLSServer)
	if err != nil {
		return nil, err
	}
	if _, err := p.tls.Client(c.TLSClient); err != nil {
		return nil, err
	}
	binding := transport.NewBinding(func() (net.Listener, error) { return net.Listen("tcp", c.Addr) })
	return &piece{
		sockets: []socket{opens(binding, saying("error listening on TCP"))},
		add: func(w *wanted, version uint64, _ any) {
			w.services.TCPServers = append(w.services.TCPServers, services.TCPServer{
				Version: version, Addr: c.Addr, Binding: binding, TLS: cfg,
				RemoteNode: c.RemoteNode, RemoteService: c.RemoteService, TLSClient: c.TLSClient,
			})
		},
	}, nil
}

func (p *plan) tcpClient(c TCPClient) (*piece, error) {
	host, _, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return nil, err
	}
	cfg, _, err := p.clientTLS(c.TLSClient, host)
	if err != nil {
		return nil, err
	}
	binding, made, err := p.serviceBinding(c.Service, c.TLSServer)
	if err != nil {
		return nil, err
	}
	made.add = func(w *wanted, version uint64, _ any) {
		w.services.TCPClients = append(w.services.TCPClients, services.TCPClient{
			Version: version, Service: c.Service, Binding: binding, TLSServer: c.TLSServer, Addr: c.Addr, TLS: cfg,
		})
	}
	return made, nil
}

func (p *plan) udpServer(c UDPServer) (*piece, error) {
	binding := services.ListenUDP(c.Addr)
	return &piece{
		sockets: []socket{opens(binding, nil)},
		add: func(w *wanted, version uint64, _ any) {
			w.services.UDPServers = append(w.services.UDPServers, services.UDPServer{
				Version: version, Addr: c.Addr, Binding: binding, RemoteNode: c.RemoteNode, RemoteService: c.RemoteService,
			})
		},
	}, nil
}

func (p *plan) udpClient(c UDPClient) (*piece, error) {
	if _, err := net.ResolveUDPAddr("udp", c.Addr); err != nil {
		return nil, fmt.Errorf("could not resolve UDP address %s: %w", c.Addr, err)
	}
	binding := services.ListenDatagrams(p.plane, c.Service)
	return &piece{
		sockets: []socket{opens(binding, nil)},
		add: func(w *wanted, version uint64, _ any) {
			w.services.UDPClients = append(w.services.UDPClients, services.UDPClient{
				Version: version, Service: c.Service, Binding: binding, Addr: c.Addr,
			})
		},
	}, nil
}

func (p *plan) unixServer(c UnixServer) (*piece, error) {
	if _, err := p.tls.Client(c.TLS); err != nil {
		return nil, err
	}
	binding := unixsock.Listen(c.Path, c.Mode)
	return &piece{
		sockets: []socket{opens(binding, nil)},
		add: func(w *wanted, version uint64, _ any) {
			w.services.UnixServers = append(w.services.UnixServers, services.UnixServer{
				Version: version, Path: c.Path, Binding: binding,
				RemoteNode: c.RemoteNode, RemoteService: c.RemoteService, TLSClient: c.TLS,
			})
		},
	}, nil
}

func (p *plan) unixClient(c UnixClient) (*piece, error) {
	binding, made, err := p.serviceBinding(c.Service, c.TLS)
	if err != nil {
		return nil, err
	}
	made.add = func(w *wanted, version uint64, _ any) {
		w.services.UnixClients = append(w.services.UnixClients, services.UnixClient{
			Version: version, Service: c.Service, Binding: binding, TLSServer: c.TLS, Path: c.Path,
		})
	}
	return made, nil
}

func (p *plan) command(c CommandService) (*piece, error) {
	argv, err := services.SplitCommand(c.Command)
	if err != nil {
		return nil, fmt.Errorf("command of service %s: %w", c.Service, err)
	}
	binding, made, err := p.serviceBinding(c.Service, c.TLS)
	if err != nil {
		return nil, err
	}
	made.add = func(w *wanted, version uint64, _ any) {
		w.services.Commands = append(w.services.Commands, services.Command{
			Version: version, Service: c.Service, Binding: binding, TLSServer: c.TLS, Argv: argv,
		})
	}
	return made, nil
}

func (p *plan) ipRouter(c IPRouter) (*piece, error) {
	r, err := services.NewIPRouter(p.plane, services.IPRouterText{
		Network: c.Network, Interface: c.Interface, LocalNet: c.LocalNet, Routes: c.Routes,
	})
	if err != nil {
		return nil, err
	}
	return &piece{
		sockets: []socket{opens(r.Socket, nil), opens(r.Device, nil)},
		add: func(w *wanted, version uint64, _ any) {
			add := r
			add.Version = version
			w.services.IPRouters = append(w.services.IPRouters, add)
		},
	}, nil
}
