package config

import (
	"fmt"
	"io/fs"
	"net"
	"strconv"
)

// TCPServer forwards connections to a TCP port into the mesh.
type TCPServer struct {
	Port          int
	BindAddr      string
	RemoteNode    string
	RemoteService string
	TLSServer     string // of the TCP port
	TLSClient     string // towards the mesh
}

// TCPClient forwards connections to a mesh service to a TCP address.
type TCPClient struct {
	Service   string
	Address   string
	TLSServer string // of the mesh service
	TLSClient string // towards the address
}

// UDPServer forwards datagrams to a UDP port into the mesh.
type UDPServer struct {
	Port          int
	BindAddr      string
	RemoteNode    string
	RemoteService string
}

// UDPClient forwards datagrams to a mesh service to a UDP address.
type UDPClient struct {
	Service string
	Address string
}

// UnixServer forwards connections to a Unix socket into the mesh.
type UnixServer struct {
	Filename      string
	Permissions   fs.FileMode
	RemoteNode    string
	RemoteService string
	TLS           string // towards the mesh
}

// UnixClient forwards connections to a mesh service to a Unix socket.
type UnixClient struct {
	Service  string
	Filename string
	TLS      string // of the mesh service
}

const (
	aboutPort          = "Port to listen on; 0 for any that is free."
	aboutBindAddr      = "Address to listen on; empty for all."
	aboutService       = "Service name on the mesh; empty for a random one."
	aboutRemoteNode    = "Node ID to connect to."
	aboutRemoteService = "Service name to connect to."
)

var proxyActions = []action{
	define(action{
		name: "tcp-server", section: services,
		about: "Forward connections to a TCP port to a service on the mesh.",
	}, TCPServer{BindAddr: "0.0.0.0"}, applyTCPServer,
		with("port", required, aboutPort, func(s *TCPServer) *int { return &s.Port }),
		with("bindaddr", 0, aboutBindAddr, func(s *TCPServer) *string { return &s.BindAddr }),
		with("remotenode", required|nonEmpty, aboutRemoteNode, func(s *TCPServer) *string { return &s.RemoteNode }),
		with("remoteservice", required|nonEmpty, aboutRemoteService, func(s *TCPServer) *string { return &s.RemoteService }),
		with("tlsserver", namesServer, "tls-server of the TCP port.", func(s *TCPServer) *string { return &s.TLSServer }),
		with("tlsclient", namesClient, "tls-client towards the mesh.", func(s *TCPServer) *string { return &s.TLSClient }),
	),
	define(action{
		name: "tcp-client", section: services,
		about: "Forward connections to a service on the mesh to a TCP address.",
	}, TCPClient{}, applyTCPClient,
		with("service", required, aboutService, func(s *TCPClient) *string { return &s.Service }),
		with("address", required, "host:port to dial.", func(s *TCPClient) *string { return &s.Address }),
		with("tlsserver", namesServer, "tls-server of the mesh service.", func(s *TCPClient) *string { return &s.TLSServer }),
		with("tlsclient", namesClient, "tls-client towards the address.", func(s *TCPClient) *string { return &s.TLSClient }),
	),
	define(action{
		name: "udp-server", section: services,
		about: "Forward datagrams to a UDP port to a service on the mesh.",
	}, UDPServer{BindAddr: "0.0.0.0"}, applyUDPServer,
		with("port", required, aboutPort, func(s *UDPServer) *int { return &s.Port }),
		with("bindaddr", 0, aboutBindAddr, func(s *UDPServer) *string { return &s.BindAddr }),
		with("remotenode", required|nonEmpty, "Node ID to send to.", func(s *UDPServer) *string { return &s.RemoteNode }),
		with("remoteservice", required|nonEmpty, "Service name to send to.", func(s *UDPServer) *string { return &s.RemoteService }),
	),
	define(action{
		name: "udp-client", section: services,
		about: "Forward datagrams to a service on the mesh to a UDP address.",
	}, UDPClient{}, applyUDPClient,
		with("service", required, aboutService, func(s *UDPClient) *string { return &s.Service }),
		with("address", required, "host:port to send to.", func(s *UDPClient) *string { return &s.Address }),
	),
	define(action{
		name: "unix-socket-server", section: services,
		about: "Forward connections to a Unix socket to a service on the mesh.",
	}, UnixServer{Permissions: 0o600}, applyUnixServer,
		with("filename", required|nonEmpty, "Unix socket to listen on.", func(s *UnixServer) *string { return &s.Filename }),
		with("permissions", 0, "Mode of the Unix socket.", func(s *UnixServer) *fs.FileMode { return &s.Permissions }),
		with("remotenode", required|nonEmpty, aboutRemoteNode, func(s *UnixServer) *string { return &s.RemoteNode }),
		with("remoteservice", required|nonEmpty, aboutRemoteService, func(s *UnixServer) *string { return &s.RemoteService }),
		with("tls", namesClient, "tls-client towards the mesh.", func(s *UnixServer) *string { return &s.TLS }),
	),
	define(action{
		name: "unix-socket-client", section: services,
		about: "Forward connections to a service on the mesh to a Unix socket.",
	}, UnixClient{}, applyUnixClient,
		with("service", required, aboutService, func(s *UnixClient) *string { return &s.Service }),
		with("filename", required|nonEmpty, "Unix socket to dial.", func(s *UnixClient) *string { return &s.Filename }),
		with("tls", namesServer, "tls-server of the mesh service.", func(s *UnixClient) *string { return &s.TLS }),
	),
}

func applyTCPServer(c *Config, s *TCPServer) error {
	if err := checkListenPort(s.Port); err != nil {
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

func applyUDPServer(c *Config, s *UDPServer) error {
	if err := checkPort(s.Port); err != nil {
		return fmt.Errorf("could not resolve address %s: %w", net.JoinHostPort(s.BindAddr, strconv.Itoa(s.Port)), err)
	}
	if err := checkServiceName(s.RemoteService); err != nil {
		return err
	}
	c.UDPServers = append(c.UDPServers, *s)
	return nil
}

func applyUDPClient(c *Config, s *UDPClient) error {
	if err := checkAddress(s.Address); err != nil {
		return fmt.Errorf("could not resolve UDP address %s: %w", s.Address, err)
	}
	if err := c.claimDatagrams(s.Service); err != nil {
		return fmt.Errorf("error listening on service %s: %w", s.Service, err)
	}
	c.UDPClients = append(c.UDPClients, *s)
	return nil
}

func applyUnixServer(c *Config, s *UnixServer) error {
	if err := checkServiceName(s.RemoteService); err != nil {
		return err
	}
	c.limitMode(&s.Permissions)
	c.UnixServers = append(c.UnixServers, *s)
	return nil
}

func applyUnixClient(c *Config, s *UnixClient) error {
	if err := c.claim(s.Service); err != nil {
		return fmt.Errorf("error listening on Receptor network: %w", err)
	}
	c.UnixClients = append(c.UnixClients, *s)
	return nil
}
