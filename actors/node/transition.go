package node

import (
	"maps"
	"slices"
	"strings"

	"receptor/actors/node/change"
	"receptor/transport/mesh/firewall"
	"receptor/transport/secure"
)

// transition is a change made ready. Sockets are open already, but for those that are
// taken by what goes.
type transition struct {
	cfg    Config
	parts  []part
	steps  []change.Step
	rules  *firewall.Firewall
	tls    *secure.Store
	stay   []*piece // go on, maybe under other rules
	gone   []*piece // have to go
	all    []*piece // run afterwards, in the order of the configuration
	opened []*piece
	late   []*piece // to be opened when the others have gone
}

// prepare makes a change ready. On an error nothing is left open.
func (p *plan) prepare(cfg Config) (*transition, error) {
	t := &transition{cfg: cfg}
	var err error
	if t.steps, err = p.cfg.Diff(cfg); err != nil {
		return nil, err
	}
	if t.parts, err = cfg.parts(); err != nil {
		return nil, err
	}
	if t.rules, err = firewall.Compile(cfg.Firewall); err != nil {
		return nil, err
	}
	if t.tls, err = p.store.Renew(cfg.TLSServers, cfg.TLSClients); err != nil {
		return nil, err
	}
	for _, name := range cfg.meshClients() {
		if _, err := t.tls.Client(name); err != nil {
			return nil, err
		}
	}
	if err := p.makePieces(t); err != nil {
		return nil, err
	}
	return t, p.openEarly(t)
}

// makePieces sorts what stays from what goes, and makes what is new.
func (p *plan) makePieces(t *transition) error {
	p.tls = t.tls
	defer func() { p.tls = p.store }()
	running := map[string]*piece{}
	for _, made := range p.pieces {
		running[made.part.Key] = made
	}
	do := map[string]change.Do{}
	for _, s := range t.steps {
		do[s.Key] = s.Do
	}
	for _, part := range t.parts {
		made := running[part.Key]
		switch {
		case part.make == nil:
			continue
		case made != nil && do[part.Key] != change.Replace:
			t.stay = append(t.stay, made)
			delete(running, part.Key)
		default:
			var err error
			if made, err = p.makeReady(part); err != nil {
				return err
			}
		}
		t.all = append(t.all, made)
	}
	for _, made := range p.pieces {
		if running[made.part.Key] != nil {
			t.gone = append(t.gone, made)
		}
	}
	return nil
}

// openEarly opens what is new, but for what has to wait.
func (p *plan) openEarly(t *transition) error {
	for _, made := range t.all {
		taken := func(other *piece) bool { return change.Collide(made.part.Item, other.part.Item) }
		switch {
		case slices.Contains(t.stay, made):
		case made.late || slices.ContainsFunc(t.gone, taken):
			t.late = append(t.late, made)
		default:
			if err := made.open(); err != nil {
				p.closePieces(t.opened)
				return err
			}
			t.opened = append(t.opened, made)
		}
	}
	return nil
}

// commit puts the new configuration in force, as far as no family is concerned.
func (p *plan) commit(t *transition) {
	byKey := map[string]part{}
	for _, part := range t.parts {
		byKey[part.Key] = part
	}
	for _, made := range t.stay {
		made.part = byKey[made.part.Key]
	}
	was := p.cfg
	p.cfg, p.pieces = t.cfg, t.all
	p.plane.SetFirewall(t.rules)
	p.network.RetireTLS(t.changed(tlsClient))
	p.publish(p.pieces)
	p.plane.SetTracer(p.cfg.Tracer)
	p.setLog(was)
	for _, s := range t.steps {
		if s.Do != change.Keep {
			p.log.Info().Str("action", string(s.Do)).Str("part", s.Key).Strs("fields", s.Why).Msg("configuration changed")
		}
	}
}

// setLog tells the log what changed about it.
func (p *plan) setLog(was Config) {
	changed := was.LogLevel != p.cfg.LogLevel || !maps.Equal(was.FamilyLevels, p.cfg.FamilyLevels)
	if changed && p.cfg.SetLogLevel != nil {
		p.cfg.SetLogLevel(p.cfg.LogLevel, p.cfg.FamilyLevels)
	}
	if was.LogFormat != p.cfg.LogFormat && p.cfg.SetLogFormat != nil {
		p.cfg.SetLogFormat(p.cfg.LogFormat)
	}
	if !p.debug.Load().acts() {
		p.cfg.Levels.ResetAll() // nobody could end them any more
	}
}

// changed are the names of the parts of a kind that are not what they were.
func (t *transition) changed(kind string) []string {
	var names []string
	for _, s := range t.steps {
		if name, ok := strings.CutPrefix(s.Key, kind); ok && s.Do != change.Keep {
			names = append(names, name)
		}
	}
	return names
}
