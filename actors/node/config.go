package node

import (
	"io/fs"
	"time"

	"receptor/actors/links"
	"receptor/actors/supervise/levels"
	"receptor/actors/work"
	"receptor/transport/mesh"
	"receptor/transport/mesh/firewall"
	"receptor/transport/secure"
)

// Config describes a node.
type Config struct {
	ID      string // node ID
	DataDir string // units live in <DataDir>/<ID>/<unit>; empty: a folder for what is temporary
	Version string // of the program, shown by status
	Debug   bool   // what is inside may be seen: actors are measured, events are kept
	HTTP    HTTP   // where the node can be looked at
	// Inspection says what else debugging includes.
	Inspection Inspection
	// LogLevel is that of the log; FamilyLevels those of single families where they
	// differ: router, links, streams, work, services, control. Whoever writes the log
	// knows what they mean; SetLogLevel, if there is one, is told when a reload changes
	// them.
	LogLevel     string
	FamilyLevels map[string]string
	SetLogLevel  func(level string, families map[string]string)
	// Levels let actors log at levels of their own; nil: all log as the node's logger.
	Levels *levels.Levels
	// LogFormat is how the log looks, in the words of whoever writes it; SetLogFormat,
	// if there is one, is told when a reload changes it.
	LogFormat    string
	SetLogFormat func(format string)
	// Reread reads the configuration again, for a reload; with dryRun it leaves nothing
	// behind. nil: it can't be read again.
	Reread func(dryRun bool) (Config, error)
	// Tracer is told of every data message; nil: nobody wants to know.
	Tracer mesh.Tracer

	// QlogDir is a directory for a log of each QUIC connection; empty for none. It and
	// PayloadTrace come from variables of the environment, which no reload can change.
	QlogDir string
	// PayloadTrace is how much of the payload of work is logged at debug level: 1 where
	// it comes from, 2 the unit too, 3 the payload itself.
	PayloadTrace int

	// MaxIdle is how long a silent link is kept; zero means 21 s, the least there is.
	MaxIdle time.Duration
	// Firewall rules are asked in order; the first that matches decides.
	Firewall []firewall.Rule

	// TLS configurations, for others to name.
	TLSServers []secure.ServerOptions
	TLSClients []secure.ClientOptions

	// LocalOnly says that a node without any link is meant.
	LocalOnly    bool
	TCPListeners []TCPListener
	TCPPeers     []TCPPeer
	UDPListeners []UDPListener
	UDPPeers     []UDPPeer
	WSListeners  []WSListener
	WSPeers      []WSPeer

	ControlServices []ControlService
	WorkCommands    []WorkCommand
	WorkPython      []work.PythonType
	WorkKubernetes  []work.KubeType
	// KubeClients are the settings of all clients of Kubernetes clusters.
	KubeClients work.KubeClients
	// WorkSigning signs what this node asks of others; without a file nothing is.
	WorkSigning work.SigningKey
	// WorkVerification checks what others ask; without a file no signature is good.
	WorkVerification work.VerifyKey
	// MinFreeDisk refuses work while the disk has less, in bytes; 0 for no floor.
	MinFreeDisk int64
	// RemoteRetention is how long finished units stay that ran on other nodes; 0 for
	// ever.
	RemoteRetention time.Duration
	Services

	// Backends are further ways to get links, for programs that embed a node.
	Backends []links.Backend
	// Runner is the program and first arguments that run a unit; empty means this
	// program itself, which has to be receptor then: another one that takes work names it.
	Runner []string
	// RunnerProgram is a program that only runs units. It is used instead of Runner
	// if it is there, and of this Version.
	RunnerProgram string
}

// Inspection says who may do what while debugging.
type Inspection struct {
	Remote  bool // clients may also look that come over the mesh or TCP
	Actions bool // clients at a Unix socket may act: restart an actor, take a link down
}

// CountBackends is how many ways there are to get a link, a local-only one
// included.
func (c Config) CountBackends() int {
	n := len(c.TCPListeners) + len(c.TCPPeers) + len(c.UDPListeners) + len(c.UDPPeers) +
		len(c.WSListeners) + len(c.WSPeers) + len(c.Backends)
	if c.LocalOnly {
		n++
	}
	return n
}

// LinkRules say who may be at the other end of a link, and what it costs. Both
// ends must give the same cost.
type LinkRules struct {
	Cost         float64            // above zero; zero means 1
	NodeCost     map[string]float64 // cost by node ID, instead of Cost; listeners only
	AllowedPeers []string           // node IDs; without any, and without AnyPeer, nobody may
	AnyPeer      bool               `config:"allowedpeers"` // AllowedPeers does not count
}

// TCPListener accepts links over TCP.
type TCPListener struct {
	Addr string // host:port
	TLS  string // name of a TLS server; empty for none
	LinkRules
}

// TCPPeer is a neighbour to dial over TCP.
type TCPPeer struct {
	Addr   string // host:port
	Redial bool   // dial again after a failure
	TLS    string // name of a TLS client; empty for none
	LinkRules
}

// UDPListener accepts links over UDP.
type UDPListener struct {
	Addr string // host:port
	LinkRules
}

// UDPPeer is a neighbour to reach over UDP.
type UDPPeer struct {
	Addr   string // host:port
	Redial bool
	LinkRules
}

// WSListener accepts links over WebSocket.
type WSListener struct {
	Addr string // host:port
	Path string // of the URL; empty for "/"
	TLS  string // name of a TLS server; empty for none
	LinkRules
}

// WSPeer is a neighbour to dial over WebSocket.
type WSPeer struct {
	URL         string // ws:// or wss://
	Redial      bool
	ExtraHeader string // key:value; empty for none
	TLS         string // name of a TLS client; empty: "default" for wss://
	LinkRules
}

// ControlService is a place to give the node commands. Fields left empty open
// nothing.
type ControlService struct {
	Service    string // name on the mesh, at most eight bytes
	TLS        string // TLS server of the mesh service
	SocketPath string
	SocketMode fs.FileMode
	TCPListen  string // host:port
	TCPTLS     string // TLS server of the TCP port
}

// WorkCommand is a work type that runs a program.
type WorkCommand struct {
	Type               string
	Command            string // found in PATH
	Params             string // split like a shell does
	AllowRuntimeParams bool
	VerifySignature    bool
	work.Limits
}

// HTTP is the address of the node's HTTP server: HOST:PORT, or the path of a Unix
// socket; empty for none. With AnyHost it answers under any name, otherwise only
// as a loopback address.
type HTTP struct {
	Addr    string
	AnyHost bool
}
