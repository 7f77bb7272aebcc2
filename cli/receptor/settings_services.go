package main

import (
	"receptor/actors/node"
	"receptor/cli/receptor/config"
)

func nodeServices(c *config.Config) node.Services {
	return node.Services{
		TCPServers:      each(c.TCPServers, tcpServer),
		TCPClients:      each(c.TCPClients, tcpClient),
		UDPServers:      each(c.UDPServers, udpServer),
		UDPClients:      each(c.UDPClients, udpClient),
		UnixServers:     each(c.UnixServers, unixServer),
		UnixClients:     each(c.UnixClients, unixClient),
		CommandServices: each(c.CommandServices, commandService),
		IPRouters:       each(c.IPRouters, ipRouter),
	}
}

func tcpServer(s config.TCPServer) node.TCPServer {
	return node.TCPServer{
		Addr:          hostPort(s.BindAddr, s.Port),
		RemoteNode:    s.RemoteNode,
		RemoteService: s.RemoteService,
		TLSServer:     s.TLSServer,
		TLSClient:     s.TLSClient,
	}
}

func tcpClient(s config.TCPClient) node.TCPClient {
	return node.TCPClient{Service: s.Service, Addr: s.Address, TLSServer: s.TLSServer, TLSClient: s.TLSClient}
}

func udpServer(s config.UDPServer) node.UDPServer {
	return node.UDPServer{Addr: hostPort(s.BindAddr, s.Port), RemoteNode: s.RemoteNode, RemoteService: s.RemoteService}
}

func udpClient(s config.UDPClient) node.UDPClient {
	return node.UDPClient{Service: s.Service, Addr: s.Address}
}

func unixServer(s config.UnixServer) node.UnixServer {
	return node.UnixServer{
		Path:          s.Filename,
		Mode:          s.Permissions,
		RemoteNode:    s.RemoteNode,
		RemoteService: s.RemoteService,
		TLS:           s.TLS,
	}
}

func unixClient(s config.UnixClient) node.UnixClient {
	return node.UnixClient{Service: s.Service, Path: s.Filename, TLS: s.TLS}
}

func commandService(s config.CommandService) node.CommandService {
	return node.CommandService{Service: s.Service, Command: s.Command, TLS: s.TLS}
}

func ipRouter(r config.IPRouter) node.IPRouter {
	return node.IPRouter{Network: r.NetworkName, Interface: r.Interface, LocalNet: r.LocalNet, Routes: r.Routes}
}
