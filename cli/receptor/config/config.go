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
	ShowCompletion // a script for bash
	ShowSchema     // a JSON schema of files
	ShowReference  // the reference of the configuration, in Markdown
	ShowManual     // the manual page
)

// Command is something to do instead of starting a node.
type Command interface {
	Run(certs.Env) error
	Outputs() []string // the files it makes
	Product() string   // the one of them that lasts: where it is, nothing has to be made
}

// Config is what a command line and its files ask for, checked as far as that
// goes without opening anything.
type Config struct {
	Show      Show
	Commands  []Command // to run before anything else
	Serves    bool      // a node is asked for
	Check     bool      // only say whether it would start
	V2        bool      // the switch of the map form was there
	Files     []string  // that were read
	LogLevel  string    // error, warning, info or debug
	LogFormat string    // text or json
	// FamilyLevels are the levels of parts of the node, by name, where they differ.
	FamilyLevels map[string]string
	Warnings     []string
	// PayloadTrace is how much of payloads is logged, 1 to 3; any other number is
	// nothing.
	PayloadTrace int
	QlogDir      string // directory for logs of QUIC connections; empty for none

	Node         Node
	LocalOnly    bool
	Trace        bool
	Debug        bool
	DebugOptions Debug

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
	WorkKubernetes  []WorkKubernetes

	WorkSigning      *WorkSigning      // nil: nothing is signed
	WorkVerification *WorkVerification // nil: no signature is good

	services map[string]bool // names taken on the mesh
	items    []*item
}

// Empty says that neither the command line nor a file asks for anything that runs.
func (c *Config) Empty() bool {
	for _, it := range c.items {
		if it.action.is&exclusive == 0 && (it.action.is&implied == 0 || len(it.given) > 0) {
			return false
		}
	}
	return true
}

func (c *Config) warn(text string) { c.Warnings = append(c.Warnings, text) }

// none is the value of actions without parameters.
type none struct{}
