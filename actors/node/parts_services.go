package node

import "receptor/actors/node/change"

func (c Config) serviceParts() []part {
	var list []part
	add := func(key string, made any, uses, holds []string, make func(*plan) (*piece, error)) {
		list = append(list, part{
			Item: change.Item{Key: "services/" + key, Made: made, Uses: uses, Holds: holds}, make: make,
		})
	}
	for _, s := range c.TCPServers {
		add("tcp-server:"+s.Addr, s, uses(tlsServer, s.TLSServer), port("tcp", s.Addr),
			func(p *plan) (*piece, error) { return p.tcpServer(s) })
	}
	for _, s := range c.TCPClients {
		used := append(uses(tlsServer, s.TLSServer), uses(tlsClient, s.TLSClient)...)
		add("tcp-client:"+s.Service, s, used, service(s.Service),
			func(p *plan) (*piece, error) { return p.tcpClient(s) })
	}
	for _, s := range c.UDPServers {
		add("udp-server:"+s.Addr, s, nil, port("udp", s.Addr),
			func(p *plan) (*piece, error) { return p.udpServer(s) })
	}
	for _, s := range c.UDPClients {
		add("udp-client:"+s.Service, s, nil, service(s.Service),
			func(p *plan) (*piece, error) { return p.udpClient(s) })
	}
	for _, s := range c.UnixServers {
		add("unix-socket-server:"+s.Path, s, nil, []string{"socket " + s.Path},
			func(p *plan) (*piece, error) { return p.unixServer(s) })
	}
	for _, s := range c.UnixClients {
		add("unix-socket-client:"+s.Service, s, uses(tlsServer, s.TLS), service(s.Service),
			func(p *plan) (*piece, error) { return p.unixClient(s) })
	}
	for _, s := range c.CommandServices {
		add("command-service:"+s.Service, s, uses(tlsServer, s.TLS), service(s.Service),
			func(p *plan) (*piece, error) { return p.command(s) })
	}
	for _, s := range c.IPRouters {
		add("ip-router:"+s.Network, s, nil, append(service(s.Network), "device "+s.Interface),
			func(p *plan) (*piece, error) { return p.ipRouter(s) })
	}
	return list
}

// controlParts are three for each control service: mesh service, Unix socket and TCP
// port, each where it is configured.
func (c Config) controlParts() ([]part, error) {
	var list []part
	add := func(key string, made any, uses, holds []string, make func(*plan) (*piece, error)) {
		list = append(list, part{
			Item: change.Item{Key: "control/" + key, Made: made, Uses: uses, Holds: holds}, make: make,
		})
	}
	for _, s := range c.ControlServices {
		if s.Service == "" && s.SocketPath == "" && s.TCPListen == "" {
			return nil, errNoListeners
		}
		if s.Service != "" {
			add("mesh:"+s.Service, ControlService{TLS: s.TLS}, uses(tlsServer, s.TLS), service(s.Service),
				func(p *plan) (*piece, error) { return p.controlMesh(s) })
		}
		if s.SocketPath != "" {
			add("unix:"+s.SocketPath, ControlService{SocketMode: s.SocketMode}, nil, []string{"socket " + s.SocketPath},
				func(p *plan) (*piece, error) { return p.controlUnix(s) })
		}
		if s.TCPListen != "" {
			add("tcp:"+s.TCPListen, ControlService{TCPTLS: s.TCPTLS}, uses(tlsServer, s.TCPTLS), port("tcp", s.TCPListen),
				func(p *plan) (*piece, error) { return p.controlTCP(s) })
		}
	}
	return list, nil
}
