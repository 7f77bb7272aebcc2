package work

import (
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"receptor/actors/supervise"
	"receptor/actors/supervise/events"
	"receptor/actors/supervise/payload"
	"receptor/actors/work/age"
	"receptor/actors/work/runner"
	"receptor/actors/work/store"
	"receptor/actors/work/unit"
	"receptor/transport"
)

// Config is what the family is born with.
type Config struct {
	NodeID  string
	DataDir string
	// AgesFile is where it stands how old finished units are; empty: nowhere, and
	// their retention begins anew with each start.
	AgesFile string
	Log      zerolog.Logger
	Dial     transport.DialStream
	Runner   []string // argv of the command runner; /proc/self/exe if empty
	// RunnerProgram is a program that only runs commands. It is used instead of
	// Runner if it is there, and of this Version.
	RunnerProgram string
	Version       string
	Feeds         *Feeds
	Events        *events.Journal // nil: nobody wants to know
	PayloadTrace  payload.Trace   // of what commands and pods take
	Terms                         // while there is no Live
	Live          *supervise.Live[Terms]
	// forceWait is how long a forced release tries to tell the other node, which may
	// not answer; 0 means 10 s.
	forceWait time.Duration
	clocks    func() age.Reading // nil: those of this machine
}

// Terms are what may change while units run.
type Terms struct {
	Types  []CommandType
	Python []PythonType
	Kube   []KubeType
	// KubeClients are the settings of all clients of Kubernetes clusters.
	KubeClients KubeClients
	// SigningKey signs what this node asks of others for units that want it.
	SigningKey SigningKey
	// VerifyKey checks what others ask for, where a work type wants that.
	VerifyKey VerifyKey
	// MinFreeDisk refuses new units while the disk has less; bytes, 0 for no floor.
	MinFreeDisk int64
	// RemoteRetention is the Retention of units that ran on other nodes.
	RemoteRetention time.Duration
}

// Limits of a type of work; zero is no limit.
type Limits struct {
	MaxConcurrent int           // commands that run at a time; other units wait for their turn
	MaxQueued     int           // units that wait; more are refused
	MaxOutput     int64         // bytes of standard output and error of a unit
	Retention     time.Duration // after that long a finished unit is released
}

// SigningKey is the private half; without a file nothing can be signed.
type SigningKey struct {
	PrivateKeyFile string
	Expiration     time.Duration // of a token; 0 means 5 minutes
}

// VerifyKey is the public half; without a file no signature is good.
type VerifyKey struct {
	PublicKeyFile string
	Tolerance     time.Duration // for clocks that differ
}

// CommandType is a type of work that a command does.
type CommandType struct {
	Type               string
	Command            string
	Params             string
	AllowRuntimeParams bool
	VerifySignature    bool
	Limits

	plugin *PythonType // nil for commands
	kube   *KubeType   // nil for what runs on this node
}

// RunCommand is the life of a command runner, the hidden option of the program.
// The arguments are those that follow it.
func RunCommand(args []string) int { return runner.Main(args) }

// RunnerFlag is the first argument of a process that has to call RunCommand.
const RunnerFlag = runner.Flag

// family is what the supervisor shares with its units. It is frozen at birth, but for
// the terms, and its live parts may be used by all.
type family struct {
	Config
	store   *store.Store
	program *runner.Program
	notices *notices
	far     *farNodes
	current atomic.Pointer[terms]
}

func newFamily(cfg Config) *family {
	if len(cfg.Runner) == 0 {
		// Not the path: the program may be replaced while it runs.
		cfg.Runner = []string{"/proc/self/exe"}
	}
	if cfg.Live == nil {
		cfg.Live = supervise.NewLive(cfg.Terms)
	}
	cfg.Terms = Terms{} // nobody should read them here
	if cfg.forceWait == 0 {
		cfg.forceWait = 10 * time.Second
	}
	f := &family{Config: cfg}
	f.current.Store(newTerms(f.Live.Load(), nil, f.Log))
	return f
}

// terms are those in force.
func (f *family) terms() *terms { return f.current.Load() }

// needsSignature reports whether clients must sign what they ask of a unit.
func (f *family) needsSignature(r unit.Record) bool {
	if r.Remote != nil {
		return r.Remote.SignWork
	}
	return f.terms().types[r.WorkType].VerifySignature
}
