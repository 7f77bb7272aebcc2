package node

import (
	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"receptor/actors/control"
	"receptor/actors/links"
	"receptor/actors/router"
	"receptor/actors/services"
	"receptor/actors/streams"
	"receptor/actors/work"
	"receptor/internal/events"
	routerv1 "receptor/proto/router/v1"
	"receptor/transport"
	"receptor/transport/mesh"
	"receptor/transport/mesh/firewall"
	"receptor/transport/secure"
)

// Families that others need to know.
const (
	familyRouter = "router"
	familyWork   = "work"
)

// plan is a configuration made ready: sockets are open, families know what they
// need.
type plan struct {
	cfg      Config
	log      zerolog.Logger
	epoch    uint64
	store    *secure.Store
	plane    *mesh.Plane
	network  *streams.Network
	feeds    *work.Feeds
	journal  *events.Journal // nil without debug mode
	reminder reminder
	families []family

	backends  []links.Backend
	addrs     []string // of listeners for links
	proxies   services.Config
	listeners []control.Listener
	undo      []func() // closes what was opened, should the start fail
}

// newPlan opens every socket of the configuration; the actors get them at birth.
func newPlan(cfg Config, log zerolog.Logger, epoch uint64) (*plan, error) {
	rules, err := firewall.Compile(cfg.Firewall)
	if err != nil {
		return nil, err
	}
	store, err := newStore(cfg, log)
	if err != nil {
		return nil, err
	}
	p := &plan{
		cfg: cfg, log: log, epoch: epoch, store: store,
		plane: mesh.New(mesh.Config{NodeID: cfg.ID, Firewall: rules}),
		feeds: work.NewFeeds(), journal: newJournal(cfg),
	}
	p.network = streams.NewNetwork(streams.NetworkConfig{
		Plane: p.plane, Log: log, ResetKey: resetKey(cfg, log), Credentials: credentials{store},
	})
	for _, open := range []func() error{p.openLinks, p.openServices, p.openControl} {
		if err := open(); err != nil {
			p.close()
			return nil, err
		}
	}
	p.families = []family{
		{name: familyRouter, leaf: true, make: p.router},
		{name: familyLinks, make: p.links},
		{name: "streams", make: p.streams},
		{name: familyWork, make: p.work},
		{name: "services", make: p.services},
		{name: "control", make: p.control},
	}
	return p, nil
}

// close closes the sockets that no actor has taken.
func (p *plan) close() {
	for i := len(p.undo) - 1; i >= 0; i-- {
		p.undo[i]()
	}
}

// prepare opens a binding's socket now, so that a failure is the start's failure.
func prepare[L interface{ Close() error }](p *plan, b *transport.Binding[L]) (L, error) {
	l, err := b.Prepare()
	if err == nil {
		p.undo = append(p.undo, func() {
			if l, ok := b.Take(); ok {
				if err := l.Close(); err != nil {
					p.log.Warn().Err(err).Msg("close after a failed start")
				}
			}
		})
	}
	return l, err
}

// meshBinding listens on a service of the mesh.
func (p *plan) meshBinding(service, tls string) *transport.Binding[transport.StreamListener] {
	return transport.NewBinding(func() (transport.StreamListener, error) {
		return p.network.Listen(service, streams.ListenOptions{TLS: tls})
	})
}

func (p *plan) router(map[string]*actor.PID) func() actor.Actor {
	var commands []*routerv1.WorkCommand
	for _, c := range p.cfg.WorkCommands {
		commands = append(commands, &routerv1.WorkCommand{WorkType: c.Type, Secure: c.VerifySignature})
	}
	for _, c := range p.cfg.WorkPython {
		commands = append(commands, &routerv1.WorkCommand{WorkType: c.Type, Secure: c.VerifySignature})
	}
	return router.New(router.Config{
		NodeID: p.cfg.ID, Log: p.log, Epoch: p.epoch, Plane: p.plane, WorkCommands: commands,
		Events: p.journal,
	})
}

func (p *plan) links(pids map[string]*actor.PID) func() actor.Actor {
	return links.New(links.Config{
		NodeID: p.cfg.ID, Log: p.log, Router: pids[familyRouter], Plane: p.plane, MaxIdle: p.cfg.MaxIdle, Backends: p.backends,
		Events: p.journal,
	})
}

func (p *plan) streams(pids map[string]*actor.PID) func() actor.Actor {
	return streams.New(streams.Config{Log: p.log, Network: p.network, Router: pids[familyRouter]})
}

func (p *plan) work(map[string]*actor.PID) func() actor.Actor {
	cfg := work.Config{
		NodeID: p.cfg.ID, DataDir: p.cfg.DataDir, Log: p.log, Dial: p.network.Dial, Feeds: p.feeds,
		Runner: p.cfg.Runner, RunnerProgram: p.cfg.RunnerProgram, Version: p.cfg.Version,
		SigningKey: p.cfg.WorkSigning, VerifyKey: p.cfg.WorkVerification, MinFreeDisk: p.cfg.MinFreeDisk,
		RemoteRetention: p.cfg.RemoteRetention, Python: p.cfg.WorkPython,
		Events: p.journal,
	}
	for _, c := range p.cfg.WorkCommands {
		cfg.Types = append(cfg.Types, work.CommandType{
			Type: c.Type, Command: c.Command, Params: c.Params,
			AllowRuntimeParams: c.AllowRuntimeParams, VerifySignature: c.VerifySignature, Limits: c.Limits,
		})
	}
	return work.New(cfg)
}

func (p *plan) services(pids map[string]*actor.PID) func() actor.Actor {
	p.proxies.Log, p.proxies.Router, p.proxies.Plane, p.proxies.Dial = p.log, pids[familyRouter], p.plane, p.network.Dial
	return services.New(p.proxies)
}

func (p *plan) control(pids map[string]*actor.PID) func() actor.Actor {
	cfg := control.Config{
		NodeID: p.cfg.ID, Version: p.cfg.Version, Log: p.log, Router: pids[familyRouter], Work: pids[familyWork],
		Plane: p.plane, Dial: p.network.Dial, Feeds: p.feeds, Listeners: p.listeners,
	}
	cfg.Expiring = p.expiring
	if p.cfg.Debug {
		cfg.Root = pids[rootName]
	}
	return control.New(cfg)
}
