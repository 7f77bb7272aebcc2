package services

import (
	"crypto/tls"
	"net"
	"net/netip"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"receptor/actors/services/iproute"
	"receptor/actors/services/tun"
	"receptor/actors/supervise"
	"receptor/transport"
	"receptor/transport/bridge"
	"receptor/transport/mesh"
)

// Config describes the family.
type Config struct {
	Log    zerolog.Logger
	Router *actor.PID
	Plane  *mesh.Plane  // of udp-servers; the rest has bindings
	Trace  bridge.Trace // told what is copied for clients; nil: nobody is
	Dial   transport.DialEarly

	Wanted *supervise.Live[Set]

	// MaxConnections bounds the connections of each stream proxy; zero means 4096.
	MaxConnections int
	// MaxAssociations bounds the clients of each UDP proxy; zero means 1024.
	MaxAssociations int
	// MaxIdle is how long a UDP client may be silent; zero means 5 minutes.
	MaxIdle time.Duration
	// Courtesy is how long one may be silent though others wait for its place; zero
	// means transport.Courtesy.
	Courtesy time.Duration
	// PollInterval is how often an IP router asks for networks; zero means 10 s.
	PollInterval time.Duration
}

// Set is what is configured. Each has a Version: one of another version takes the
// place of the one before.
type Set struct {
	TCPServers  []TCPServer
	TCPClients  []TCPClient
	UDPServers  []UDPServer
	UDPClients  []UDPClient
	UnixServers []UnixServer
	UnixClients []UnixClient
	Commands    []Command
	IPRouters   []IPRouter
}

const (
	defaultMaxConnections  = 4096 // further clients wait in the queue of the socket
	defaultMaxAssociations = 1024 // further clients take the places of silent ones
	defaultMaxIdle         = 5 * time.Minute
	defaultPollInterval    = 10 * time.Second
)

func (c Config) withDefaults() Config {
	if c.MaxConnections == 0 {
		c.MaxConnections = defaultMaxConnections
	}
	if c.MaxAssociations == 0 {
		c.MaxAssociations = defaultMaxAssociations
	}
	if c.MaxIdle == 0 {
		c.MaxIdle = defaultMaxIdle
	}
	if c.Courtesy == 0 {
		c.Courtesy = transport.Courtesy
	}
	if c.PollInterval == 0 {
		c.PollInterval = defaultPollInterval
	}
	return c
}

// TCPServer takes TCP connections to a service of the mesh.
type TCPServer struct {
	Version       uint64
	Addr          string // as configured, for names and logs
	Binding       *transport.Binding[net.Listener]
	TLS           *tls.Config // of the tls-server towards TCP clients; nil for none
	RemoteNode    string
	RemoteService string
	TLSClient     string // towards the mesh; empty for the built-in profile
}

// TCPClient takes streams of the mesh to a TCP address.
type TCPClient struct {
	Version   uint64
	Service   string
	Binding   *transport.Binding[transport.StreamListener] // listens on Service, with TLSServer
	TLSServer string                                       // towards the mesh; empty for the built-in profile
	Addr      string                                       // host:port
	TLS       *tls.Config                                  // of the tls-client towards Addr; nil for none
}

// UDPServer takes UDP datagrams to a service of the mesh.
type UDPServer struct {
	Version       uint64
	Addr          string                           // as configured, for names and logs
	Binding       *transport.Binding[*net.UDPConn] // ListenUDP makes one
	RemoteNode    string
	RemoteService string
}

// UDPClient takes datagrams of the mesh to a UDP address.
type UDPClient struct {
	Version uint64
	Service string
	Binding *transport.Binding[*mesh.Socket] // ListenDatagrams makes one
	Addr    string                           // host:port
}

// UnixServer takes connections to a Unix socket to a service of the mesh.
type UnixServer struct {
	Version       uint64
	Path          string // as configured, for names and logs
	Binding       *transport.Binding[transport.StreamListener]
	RemoteNode    string
	RemoteService string
	TLSClient     string // towards the mesh; empty for the built-in profile
}

// UnixClient takes streams of the mesh to a Unix socket.
type UnixClient struct {
	Version   uint64
	Service   string
	Binding   *transport.Binding[transport.StreamListener] // listens on Service, with TLSServer
	TLSServer string                                       // towards the mesh; empty for the built-in profile
	Path      string                                       // need not exist before somebody comes
}

// Command runs a program on a terminal for each stream of the mesh.
type Command struct {
	Version   uint64
	Service   string
	Binding   *transport.Binding[transport.StreamListener] // listens on Service, with TLSServer
	TLSServer string                                       // towards the mesh; empty for the built-in profile
	Argv      []string                                     // program and arguments; SplitCommand makes them
}

// IPRouter joins IP networks over the mesh. NewIPRouter makes one from the text of
// a configuration.
type IPRouter struct {
	Version uint64
	Network string // also the name of the service
	Local   iproute.LocalNet
	Routes  []netip.Prefix // networks behind this node
	Socket  *transport.Binding[*mesh.Socket]
	Device  *transport.Binding[*tun.Device]

	plane *mesh.Plane // told of each packet
}
