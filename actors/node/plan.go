package node

import (
	"context"
	"path/filepath"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"receptor/actors/control"
	"receptor/actors/control/command"
	"receptor/actors/inspect"
	"receptor/actors/inspect/web"
	"receptor/actors/links"
	"receptor/actors/router"
	"receptor/actors/services"
	"receptor/actors/streams"
	"receptor/actors/supervise"
	"receptor/actors/supervise/events"
	"receptor/actors/supervise/payload"
	"receptor/actors/work"
	routerv1 "receptor/proto/router/v1"
	"receptor/transport"
	"receptor/transport/mesh"
	"receptor/transport/mesh/firewall"
	"receptor/transport/secure"
)

// The families, as the tree and the log levels name them.
const (
	familyRouter   = "router"
	familyLinks    = "links"
	familyStreams  = "streams"
	familyWork     = "work"
	familyServices = "services"
	familyInspect  = "inspect"
	familyControl  = "control"
	familyWeb      = "web"
)

// plan is a configuration made ready: sockets are open, families know what they
// need. What the families should run can change while they do; Node guards that.
type plan struct {
	cfg     Config // in force
	log     zerolog.Logger
	epoch   uint64
	plane   *mesh.Plane
	store   *secure.Store // in force
	tls     *secure.Store // what parts are made with: store, or what will take its place
	network *streams.Network
	feeds   *work.Feeds
	journal *events.Journal // on in debug mode
	// Set when the actors are about to start.
	system    *actor.ActorSystem
	inspector *inspect.Inspector
	reminder  reminder
	families  []family

	pieces  []*piece // of the parts that run
	version uint64   // of the last piece

	addrs     *supervise.Live[[]string] // of listeners for links
	backends  *supervise.Live[links.Wanted]
	proxies   *supervise.Live[services.Set]
	listeners *supervise.Live[[]control.Listener]
	pages     *supervise.Live[[]web.Listener]
	terms     *supervise.Live[work.Terms]
	debug     *supervise.Live[debugging]

	reload func(ctx context.Context, dryRun bool) ([]command.Change, error)
}

// newPlan opens every socket of the configuration; the actors get them at birth.
func newPlan(cfg Config, log zerolog.Logger, epoch uint64, resetKey *[32]byte) (*plan, error) {
	parts, err := cfg.parts()
	if err != nil {
		return nil, err
	}
	rules, err := firewall.Compile(cfg.Firewall)
	if err != nil {
		return nil, err
	}
	store, err := newStore(cfg, log)
	if err != nil {
		return nil, err
	}
	p := &plan{
		cfg: cfg, log: log, epoch: epoch, store: store, tls: store,
		plane: mesh.New(mesh.Config{NodeID: cfg.ID, Firewall: rules, Tracer: cfg.Tracer}),
		feeds: work.NewFeeds(), journal: events.New(events.DefaultSize),
	}
	p.network = streams.NewNetwork(streams.NetworkConfig{
		Plane: p.plane, Log: p.logOf(familyStreams), ResetKey: resetKey, Credentials: credentials{store}, QlogDir: cfg.QlogDir,
	})
	for _, part := range parts {
		if err := p.start(part); err != nil {
			p.close()
			return nil, err
		}
	}
	for _, c := range cfg.ControlServices {
		log.Info().Msg("Running control service " + c.Service)
	}
	p.publish(p.pieces)
	p.families = []family{
		{name: familyRouter, leaf: true, make: p.router},
		{name: familyLinks, make: p.links},
		{name: familyStreams, make: p.streams},
		{name: familyWork, make: p.work},
		{name: familyServices, make: p.services},
		{name: familyInspect, make: p.desk},
		{name: familyControl, make: p.control},
		{name: familyWeb, make: p.web},
	}
	return p, nil
}

// start makes a part ready and opens its sockets.
func (p *plan) start(part part) error {
	if part.make == nil {
		return nil
	}
	made, err := p.makeReady(part)
	if err == nil {
		err = made.open()
	}
	if err == nil {
		p.pieces = append(p.pieces, made)
	}
	return err
}

func (p *plan) makeReady(part part) (*piece, error) {
	made, err := part.make(p)
	if err != nil {
		return nil, err
	}
	p.version++
	made.part, made.version = part, p.version
	return made, nil
}

// close closes the sockets that no actor has taken.
func (p *plan) close() { p.closePieces(p.pieces) }

func (p *plan) closePieces(pieces []*piece) {
	for i := len(pieces) - 1; i >= 0; i-- {
		if err := pieces[i].close(); err != nil {
			p.log.Warn().Str("part", pieces[i].part.Key).Err(err).Msg("close of a socket that nobody took")
		}
	}
}

// publish says what the families should run. They look when they start, and when
// they are told to reconcile.
func (p *plan) publish(pieces []*piece) {
	w := all(pieces)
	p.addrs = put(p.addrs, w.addrs)
	p.backends = put(p.backends, links.Wanted{MaxIdle: p.cfg.MaxIdle, Backends: w.backends})
	p.proxies = put(p.proxies, w.services)
	p.listeners = put(p.listeners, w.listeners)
	p.pages = put(p.pages, w.pages)
	p.terms = put(p.terms, p.cfg.workTerms())
	p.debug = put(p.debug, debugging{p.cfg.Debug, p.cfg.Inspection})
	p.journal.Switch(p.cfg.Debug)
}

func put[T any](l *supervise.Live[T], v T) *supervise.Live[T] {
	if l == nil {
		return supervise.NewLive(v)
	}
	l.Store(v)
	return l
}

// meshBinding listens on a service of the mesh.
func (p *plan) meshBinding(service, tls string) *transport.Binding[transport.StreamListener] {
	return transport.NewBinding(func() (transport.StreamListener, error) {
		return p.network.Listen(service, streams.ListenOptions{TLS: tls})
	})
}

func (p *plan) router(map[string]*actor.PID) func() actor.Actor {
	return router.New(router.Config{
		NodeID: p.cfg.ID, Log: p.logOf(familyRouter), Epoch: p.epoch, Plane: p.plane, WorkCommands: p.cfg.workOffers(),
		Events: p.journal,
	})
}

func (p *plan) links(pids map[string]*actor.PID) func() actor.Actor {
	return links.New(links.Config{
		NodeID: p.cfg.ID, Log: p.logOf(familyLinks), Router: pids[familyRouter], Plane: p.plane, Wanted: p.backends,
		Events: p.journal,
	})
}

func (p *plan) streams(pids map[string]*actor.PID) func() actor.Actor {
	return streams.New(streams.Config{Log: p.logOf(familyStreams), Network: p.network, Router: pids[familyRouter]})
}

func (p *plan) work(map[string]*actor.PID) func() actor.Actor {
	return work.New(work.Config{
		NodeID: p.cfg.ID, DataDir: p.cfg.DataDir, Log: p.logOf(familyWork), Dial: p.network.Dial, Feeds: p.feeds,
		Runner: p.cfg.Runner, RunnerProgram: p.cfg.RunnerProgram, Version: p.cfg.Version,
		Live: p.terms, Events: p.journal, PayloadTrace: payload.Trace(p.cfg.PayloadTrace),
		AgesFile: filepath.Join(newKeeper(p.cfg, p.log).dir, agesFile),
	})
}

func (p *plan) services(pids map[string]*actor.PID) func() actor.Actor {
	return services.New(services.Config{
		Log: p.logOf(familyServices), Router: pids[familyRouter], Plane: p.plane, Trace: p.plane,
		Dial: p.network.DialEarly, Wanted: p.proxies,
	})
}

func (p *plan) control(pids map[string]*actor.PID) func() actor.Actor {
	return control.New(control.Config{
		NodeID: p.cfg.ID, Version: p.cfg.Version, Log: p.logOf(familyControl), Router: pids[familyRouter], Work: pids[familyWork],
		Plane: p.plane, Trace: p.plane, Dial: p.network.Dial, Feeds: p.feeds, Listeners: p.listeners,
		Expiring: p.expiring, Links: pids[familyLinks], Reload: p.reload,
		Root: pids[rootName], Debug: func() bool { return p.debug.Load().on },
		PayloadTrace: payload.Trace(p.cfg.PayloadTrace),
		Remote:       func() bool { return p.debug.Load().Remote },
		Desk:         pids[familyInspect], Events: p.journal,
	})
}

// workTerms are the terms of the work family.
func (c Config) workTerms() work.Terms {
	t := work.Terms{
		SigningKey: c.WorkSigning, VerifyKey: c.WorkVerification, MinFreeDisk: c.MinFreeDisk,
		RemoteRetention: c.RemoteRetention, Python: c.WorkPython, Kube: c.WorkKubernetes, KubeClients: c.KubeClients,
	}
	for _, w := range c.WorkCommands {
		t.Types = append(t.Types, work.CommandType{
			Type: w.Type, Command: w.Command, Params: w.Params,
			AllowRuntimeParams: w.AllowRuntimeParams, VerifySignature: w.VerifySignature, Limits: w.Limits,
		})
	}
	return t
}

// workOffers are the types of work as others hear of them.
func (c Config) workOffers() []*routerv1.WorkCommand {
	var offers []*routerv1.WorkCommand
	for _, w := range c.WorkCommands {
		offers = append(offers, &routerv1.WorkCommand{WorkType: w.Type, Secure: w.VerifySignature})
	}
	for _, w := range c.WorkPython {
		offers = append(offers, &routerv1.WorkCommand{WorkType: w.Type, Secure: w.VerifySignature})
	}
	for _, w := range c.WorkKubernetes {
		offers = append(offers, &routerv1.WorkCommand{WorkType: w.Type, Secure: w.VerifySignature})
	}
	return offers
}
