package config

import (
	"receptor/cli/receptor/certs"
	"receptor/transport/secure"
)

// Show says what to print instead of starting a node.
type Show int

// What a command line can ask to be shown.
const (
	ShowNothing Show = iota // start the node
	ShowHelp
	ShowVersion
)

// Command is something to do instead of starting a node.
type Command interface {
	Run(certs.Env) error
}

// Config is what a command line and its files ask for, checked as far as that
// goes without opening anything.
type Config struct {
	Show     Show
	Command  Command // nil: start the node
	LogLevel string  // error, warning, info or debug
	Warnings []string

	Node      Node
	LocalOnly bool
	Trace     bool
	Debug     bool

	TLSServers []secure.ServerOptions
	TLSClients []secure.ClientOptions

	TCPListeners []Listener
	TCPPeers     []Peer
	UDPListeners []Listener
	UDPPeers     []Peer
	WSListeners  []Listener
	WSPeers      []Peer

	ControlServices []ControlService
	CommandServices []CommandService
	IPRouters       []IPRouter
	TCPServers      []TCPServer
	TCPClients      []TCPClient
	UDPServers      []UDPServer
	UDPClients      []UDPClient
	UnixServers     []UnixServer
	UnixClients     []UnixClient
	WorkCommands    []WorkCommand
	WorkPython      []WorkPython

	WorkSigning      *WorkSigning      // nil: nothing is signed
	WorkVerification *WorkVerification // nil: no signature is good

	services map[string]bool // names taken on the mesh
}

func (c *Config) warn(text string) { c.Warnings = append(c.Warnings, text) }

// none is the value of actions without parameters.
type none struct{}
