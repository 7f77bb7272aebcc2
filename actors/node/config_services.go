package node

import "io/fs"

// Services join the mesh to other networks. Names of TLS configurations are empty
// for none.
type Services struct {
	TCPServers      []TCPServer
	TCPClients      []TCPClient
	UDPServers      []UDPServer
	UDPClients      []UDPClient
	UnixServers     []UnixServer
	UnixClients     []UnixClient
	CommandServices []CommandService
	IPRouters       []IPRouter
}

// TCPServer listens on TCP and forwards to a service of the mesh.
type TCPServer struct {
	Addr          string // host:port
	RemoteNode    string
	RemoteService string
	TLSServer     string // of the TCP side
	TLSClient     string // towards the mesh
}

// TCPClient is a service of the mesh that forwards to a TCP address.
type TCPClient struct {
	Service   string
	Addr      string // host:port
	TLSServer string // of the mesh side
	TLSClient string // towards the address
}

// UDPServer listens on UDP and forwards to a datagram service of the mesh.
type UDPServer struct {
	Addr          string // host:port
	RemoteNode    string
	RemoteService string
}

// UDPClient is a datagram service of the mesh that forwards to a UDP address.
type UDPClient struct {
	Service string
	Addr    string // host:port
}

// UnixServer listens on a Unix socket and forwards to a service of the mesh.
type UnixServer struct {
	Path          string
	Mode          fs.FileMode
	RemoteNode    string
	RemoteService string
	TLS           string // TLS client towards the mesh
}

// UnixClient is a service of the mesh that forwards to a Unix socket.
type UnixClient struct {
	Service string
	Path    string
	TLS     string // TLS server of the mesh side
}

// CommandService is a service of the mesh that runs a program on a terminal of its
// own for each stream.
type CommandService struct {
	Service string
	Command string // split like a shell does
	TLS     string // TLS server of the mesh side
}

// IPRouter carries IP packets between the networks of several nodes.
type IPRouter struct {
	Network   string // name of the virtual network, at most eight bytes
	Interface string // of the tun device; empty: the kernel names it
	LocalNet  string // an IPv4 network with a prefix of 30 bits
	Routes    string // networks behind this node, with commas between them
}
