package node

import (
	"io/fs"
	"time"

	"receptor/actors/links"
)

// Config describes a node.
type Config struct {
	ID      string // node ID
	DataDir string // units live in <DataDir>/<ID>/<unit>
	Version string // of the program, shown by status
	Debug   bool   // the actor tree may be asked for

	// MaxIdle is how long a silent link is kept; zero means 21 s.
	MaxIdle time.Duration

	// LocalOnly says that a node without any link is meant.
	LocalOnly       bool
	TCPListeners    []TCPListener
	TCPPeers        []TCPPeer
	ControlServices []ControlService
	WorkCommands    []WorkCommand
	TCPServers      []TCPServer
	TCPClients      []TCPClient

	// Backends are further ways to get links, for programs that embed a node.
	Backends []links.Backend
	// Runner is the program and first arguments that run a unit; empty means this
	// program itself.
	Runner []string
}

// CountBackends is how many ways there are to get a link, a local-only one
// included.
func (c Config) CountBackends() int {
	n := len(c.TCPListeners) + len(c.TCPPeers) + len(c.Backends)
	if c.LocalOnly {
		n++
	}
	return n
}

// TCPListener accepts links of neighbours.
type TCPListener struct {
	Addr         string             // host:port
	Cost         float64            // of its links, above zero
	NodeCost     map[string]float64 // cost by node ID, instead of Cost
	AllowedPeers []string           // node IDs that may connect
	AnyPeer      bool               // AllowedPeers does not count
}

// TCPPeer is a neighbour to dial.
type TCPPeer struct {
	Addr         string // host:port
	Cost         float64
	Redial       bool // dial again after a failure
	AllowedPeers []string
	AnyPeer      bool
}

// ControlService is a place to give the node commands. Fields left empty open
// nothing.
type ControlService struct {
	Service    string // name on the mesh, at most eight bytes
	SocketPath string
	SocketMode fs.FileMode
	TCPListen  string // host:port
}

// WorkCommand is a work type that runs a program.
type WorkCommand struct {
	Type               string
	Command            string // found in PATH
	Params             string // split like a shell does
	AllowRuntimeParams bool
	VerifySignature    bool
}

// TCPServer listens on TCP and forwards to a service of the mesh.
type TCPServer struct {
	Addr          string
	RemoteNode    string
	RemoteService string
}

// TCPClient is a service of the mesh that forwards to a TCP address.
type TCPClient struct {
	Service string
	Addr    string
}
