package config

import (
	"io/fs"
	"time"
)

// Show says what to print instead of starting a node.
type Show int

// What a command line can ask to be shown.
const (
	ShowNothing Show = iota // start the node
	ShowHelp
	ShowVersion
)

// Config is what a command line and its files ask for, checked as far as that
// goes without opening anything.
type Config struct {
	Show     Show
	LogLevel string // error, warning, info or debug
	Warnings []string

	Node            Node
	LocalOnly       bool
	Trace           bool
	Debug           bool
	TCPListeners    []TCPListener
	TCPPeers        []TCPPeer
	ControlServices []ControlService
	TCPServers      []TCPServer
	TCPClients      []TCPClient
	WorkCommands    []WorkCommand

	services map[string]bool // names taken on the mesh
}

// Node is the node itself.
type Node struct {
	ID      string
	DataDir string
	MaxIdle time.Duration // a link is given up after this long without a message

	maxIdle string // as written
}

// LocalOnly asks for a node without neighbours.
type LocalOnly struct {
	Local bool // has no effect: naming the action is enough
}

// LogLevel is how much is logged.
type LogLevel struct {
	Level string
}

// TCPListener accepts links. AllowedPeers is nil when anyone may connect; a list
// that is given but empty lets nobody in.
type TCPListener struct {
	BindAddr     string
	Port         int
	Cost         float64
	NodeCost     map[string]float64
	AllowedPeers []string
}

// TCPPeer is a neighbour this node dials.
type TCPPeer struct {
	Address      string
	Redial       bool
	Cost         float64
	AllowedPeers []string
}

// ControlService answers control commands on the mesh, on a Unix socket and on a
// TCP port: those of them that are not empty.
type ControlService struct {
	Service     string
	Filename    string
	Permissions fs.FileMode
	TCPListen   string // host:port
}

// TCPServer forwards connections to a TCP port into the mesh.
type TCPServer struct {
	Port          int
	BindAddr      string
	RemoteNode    string
	RemoteService string
}

// TCPClient forwards connections to a mesh service to a TCP address.
type TCPClient struct {
	Service string
	Address string
}

// WorkCommand is a type of work that runs a command.
type WorkCommand struct {
	WorkType           string
	Command            string
	Params             string
	AllowRuntimeParams bool
	VerifySignature    bool
}

// none is the value of actions without parameters.
type none struct{}
