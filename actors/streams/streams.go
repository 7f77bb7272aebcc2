package streams

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"receptor/actors/supervise"
	routerv1 "receptor/proto/router/v1"
	streamsv1 "receptor/proto/streams/v1"
)

// maxSingles bounds the services remembered as those of old peers.
const maxSingles = 1024

// Config describes the family.
type Config struct {
	Log     zerolog.Logger
	Network *Network
	Router  *actor.PID // tells of nodes that start anew; nil: nobody does
}

// New returns the producer of the streams supervisor.
func New(cfg Config) func() actor.Actor {
	return func() actor.Actor {
		return &streams{
			Supervisor: supervise.New(cfg.Log, supervise.Backoff{}), cfg: cfg,
			dials: map[uint64]*dial{}, flights: map[key][]*dial{}, singles: map[key]struct{}{},
		}
	}
}

// streams opens sessions and keeps their records.
//
//	parent   node
//	owns     the sessions; while it lives, the Network works
//	fails    never by itself
//	restart  ends every session and listener; dialling works again at once
type streams struct {
	*supervise.Supervisor
	cfg     Config
	dials   map[uint64]*dial // by session: hand-shakes under way
	flights map[key][]*dial  // those that further dials may join
	singles map[key]struct{} // served one stream per connection the last time
}

// dial is a hand-shake under way and who waits for it.
type dial struct {
	key     key
	waiters []uint64
}

// Receive implements actor.Actor.
func (s *streams) Receive(ctx actor.Context) {
	if s.Supervise(ctx) {
		return
	}
	switch m := ctx.Message().(type) {
	case *actor.Started:
		s.start(ctx)
	case *actor.Stopping, *actor.Restarting:
		s.stop()
	case *actor.Stopped, *actor.Terminated:

	case *streamsv1.OpenSession:
		s.openSession(ctx, m)

	case *routerv1.NodeRestarted:
		s.cfg.Network.nodeRestarted(m.GetNode())

	case *streamsv1.SessionAccepted:
		s.accepted(ctx, m)
	case *streamsv1.SessionOpened:
		s.opened(ctx, m)
	case *streamsv1.SessionFailed:
		s.failed(m)

	default:
		supervise.Unexpected(ctx)
	}
}

func (s *streams) start(ctx actor.Context) {
	s.cfg.Log = supervise.Logger(ctx, s.cfg.Log)
	s.cfg.Network.attach(ctx.ActorSystem().Root, ctx.Self())
	if s.cfg.Router != nil {
		ctx.Request(s.cfg.Router, &routerv1.WatchRestarts{})
	}
}

// stop ends what the Network has open; it tells all waiters itself.
func (s *streams) stop() {
	if err := s.cfg.Network.detach(); err != nil {
		s.cfg.Log.Debug().Err(err).Msg("close of the listeners")
	}
}

// openSession has the caller wait for a hand-shake that serves it.
func (s *streams) openSession(ctx actor.Context, m *streamsv1.OpenSession) {
	k := key{node: m.GetNode(), service: m.GetService(), tls: m.GetTlsClient()}
	if p := s.cfg.Network.table.claim(k); p != nil {
		s.serve(m.GetWaiter(), p) // it came up since the caller looked
		return
	}
	s.enlist(ctx, k, m.GetWaiter())
}

// enlist has a waiter join the hand-shake for which the fewest wait, or gives it one
// of its own.
func (s *streams) enlist(ctx actor.Context, k key, waiter uint64) {
	under := s.flights[k]
	sessions, far := s.cfg.Network.table.spread(k)
	if len(under) == 0 || far && sessions+len(under) < maxSpread {
		s.dial(ctx, k, waiter)
		return
	}
	d := slices.MinFunc(under, func(a, b *dial) int { return cmp.Compare(len(a.waiters), len(b.waiters)) })
	if len(d.waiters) >= maxWaiters {
		s.answer(waiter, answer{err: errBusy})
		return
	}
	d.waiters = append(d.waiters, waiter)
}

// dial starts a session for one waiter. Others may join it, unless the service is
// known to take a connection for each stream.
func (s *streams) dial(ctx actor.Context, k key, waiter uint64) {
	p := s.cfg.Network.dialled(k)
	if len(s.dials) >= maxDialling || !s.cfg.Network.table.add(p) {
		s.answer(waiter, answer{err: errBusy})
		return
	}
	d := &dial{key: k, waiters: []uint64{waiter}}
	s.dials[p.id] = d
	if _, single := s.singles[k]; !single {
		s.flights[k] = append(s.flights[k], d)
	}
	s.spawn(ctx, p, k.node, k.service)
}

// serve gives a waiter a session that was acquired for it.
func (s *streams) serve(waiter uint64, p *pump) {
	if !s.answer(waiter, answer{pump: p}) {
		p.release()
	}
}

// answer reports whether the waiter was still there.
func (s *streams) answer(waiter uint64, a answer) bool {
	return s.cfg.Network.waiters.answer(waiter, a)
}

// accepted gives a connection that a listener announced to a session of its own.
func (s *streams) accepted(ctx actor.Context, m *streamsv1.SessionAccepted) {
	p := s.cfg.Network.table.get(m.GetSession())
	if p == nil {
		return // the listener was closed meanwhile
	}
	s.spawn(ctx, p, p.key.node, p.local)
}

// spawn starts a session actor. It is named after the far node, and the service
// on whichever side listens.
func (s *streams) spawn(ctx actor.Context, p *pump, node, service string) {
	name, kind := fmt.Sprintf("%s:%s:%d", node, service, p.id), "session"
	if p.accept != nil {
		kind = "accepted session"
	}
	_, err := s.Spawn(ctx, supervise.Spec{
		Name: strings.ReplaceAll(name, "/", "_"), Kind: kind,
		New:      func() actor.Actor { return &session{pump: p} },
		Lifetime: supervise.Temporary,
	})
	if err != nil {
		panic(fmt.Errorf("session %d: %w", p.id, err)) // numbers are unique
	}
}

// opened serves the waiters of a dial.
func (s *streams) opened(ctx actor.Context, m *streamsv1.SessionOpened) {
	d := s.landed(m.GetSession())
	if d == nil {
		return
	}
	p := s.cfg.Network.table.get(m.GetSession())
	switch {
	case p == nil:
		s.answerAll(d, answer{err: errEnded})
	case m.GetShared():
		delete(s.singles, d.key)
		s.serveShared(ctx, d)
	default:
		s.serveSingle(ctx, d, p)
	}
}

// serveShared has all waiters share what is open, unless that is far away: then the
// first gets it, and the others get sessions of their own, all at once.
func (s *streams) serveShared(ctx actor.Context, d *dial) {
	for _, waiter := range d.waiters {
		if p := s.cfg.Network.table.claim(d.key); p != nil {
			s.serve(waiter, p)
			continue
		}
		s.enlist(ctx, d.key, waiter)
	}
}

// serveSingle gives a connection that carries one stream to the first waiter that
// is left; the others get connections of their own, all at once.
func (s *streams) serveSingle(ctx actor.Context, d *dial, p *pump) {
	if len(s.singles) >= maxSingles {
		clear(s.singles)
	}
	s.singles[d.key] = struct{}{}
	served := !p.acquire()
	for _, waiter := range d.waiters {
		if served {
			s.dial(ctx, d.key, waiter)
			continue
		}
		served = s.answer(waiter, answer{pump: p})
	}
	if !served {
		p.release()
	}
}

func (s *streams) failed(m *streamsv1.SessionFailed) {
	d := s.landed(m.GetSession())
	if d == nil {
		return
	}
	s.answerAll(d, answer{err: d.failure(m)})
}

// failure is what those hear who wait for the dial.
func (d *dial) failure(m *streamsv1.SessionFailed) error {
	switch m.GetCode() {
	case streamsv1.Code_CODE_SERVICE_UNKNOWN:
		return &unknownService{node: d.key.node, service: d.key.service}
	case streamsv1.Code_CODE_TIMED_OUT:
		return &timedOut{m.GetText()}
	default:
		return errors.New(m.GetText())
	}
}

func (s *streams) answerAll(d *dial, a answer) {
	for _, waiter := range d.waiters {
		s.answer(waiter, a)
	}
}

// landed ends a dial.
func (s *streams) landed(session uint64) *dial {
	d := s.dials[session]
	if d == nil {
		return nil
	}
	delete(s.dials, session)
	rest := slices.DeleteFunc(s.flights[d.key], func(o *dial) bool { return o == d })
	if len(rest) == 0 {
		delete(s.flights, d.key)
	} else {
		s.flights[d.key] = rest
	}
	return d
}
