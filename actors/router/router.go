package router

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"receptor/actors/router/route"
	"receptor/actors/supervise"
	"receptor/actors/supervise/events"
	routerv1 "receptor/proto/router/v1"
	"receptor/transport/mesh"
)

const (
	// updateGap bounds own updates to one in this time. Other implementations wait
	// 100 ms before each.
	updateGap = 20 * time.Millisecond
	// greetDelay is how long after learning of a node we tell it of us. Only what is
	// behind nodes that pass on no stored updates needs it.
	greetDelay = 100 * time.Millisecond
	// tableGap bounds recomputations of the table.
	tableGap = 5 * time.Millisecond
	// advertiseGap bounds advertisements of services that are new.
	advertiseGap = 50 * time.Millisecond
	// tellGap gathers changes of the table for who follows events: one event, not
	// hundreds, when a mesh comes together.
	tellGap = time.Second

	// introduceDelay is how long after learning of a node our services are advertised
	// again: it should have its links by then. However many nodes come, it is done
	// once in that time.
	introduceDelay = 3 * time.Second

	// keepAlivePeriod is half of what is given by others, who close a link that is
	// silent for 21 s: on a lossy link four messages in a row have to get lost.
	keepAlivePeriod = 5 * time.Second
	// repeatAfter is when an own update goes out anew although nothing changed: a
	// node that lost the last one to a lossy link gets it then.
	repeatAfter = 30 * time.Second
	// roundPeriod is given by others, too.
	roundPeriod = 60 * time.Second
	agePeriod   = 60 * time.Second
)

// Plane is the data plane, as far as the router sees it.
type Plane interface {
	Publish(r mesh.Routes)
}

// Config is what a router is born with.
type Config struct {
	NodeID       string
	Log          zerolog.Logger
	Epoch        uint64 // start instant of this node; never lower than at an earlier start
	Plane        Plane
	WorkCommands []*routerv1.WorkCommand // offered by this node's control services
	Events       *events.Journal         // nil: nobody wants to know
}

// New returns the producer of a router.
func New(cfg Config) func() actor.Actor {
	return func() actor.Actor {
		r := &router{
			cfg: cfg, neighbours: map[string]*neighbour{}, held: map[string]time.Time{}, services: map[string]*service{},
			db: route.NewDB(cfg.NodeID, cfg.Epoch), ads: route.NewAds(cfg.NodeID),
		}
		r.updates = job{kind: routerv1.Job_JOB_UPDATE, gap: updateGap, run: r.announce}
		r.tables = job{kind: routerv1.Job_JOB_TABLE, gap: tableGap, run: r.publish}
		r.tellings = job{kind: routerv1.Job_JOB_TELL, gap: tellGap, run: r.tell}
		r.offers = job{kind: routerv1.Job_JOB_ADVERTISE, gap: advertiseGap, run: r.offerNew}
		return r
	}
}

// router owns what this node knows of the mesh.
//
//	parent   node
//	owns     neighbours, link-state database, advertisements; timers
//	fails    when an invariant breaks
//	restart  never: the failure escalates
type router struct {
	cfg        Config
	neighbours map[string]*neighbour // established links by node
	held       map[string]time.Time  // nodes that are refused until then

	db      *route.DB
	updates job
	last    []byte    // the last own update, for keep-alives
	sent    time.Time // when it went to all neighbours
	changed bool      // the mesh did, since then

	tables   job
	watchers []*actor.PID // of restarts: families of this node

	table  route.Table
	names  []string
	logged string // summary of the table in the log

	changes  uint64      // of the table
	tellings job         // of events
	told     route.Table // as the last event left it
	untold   uint32      // changes since then

	ads      *route.Ads
	services map[string]*service // advertised by this node
	offers   job
	stamped  time.Time // of the last own advertisement

	introduction *time.Timer // nil unless nodes are new
	moreNew      bool        // and more came since it was set

	age       *time.Timer
	keepAlive *time.Timer
	round     *time.Timer
}

func (r *router) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		r.start(ctx)
	case *actor.Restarting, *actor.Stopping:
		r.stop()

	case *routerv1.SendInit:
		r.sendInit(ctx)
	case *routerv1.LinkUp:
		r.linkUp(ctx, m)
	case *routerv1.Advertise:
		r.advertise(ctx, m)
	case *routerv1.Withdraw:
		r.withdraw(ctx, m)
	case *routerv1.SetWorkCommands:
		r.cfg.WorkCommands = m.GetCommands()
		r.offerAll(ctx)
	case *routerv1.WatchRestarts:
		r.watch(ctx.Sender())
	case *routerv1.HoldLink:
		r.hold(ctx, m)
	case *routerv1.GetStatus:
		r.status(ctx)

	case *routerv1.LinkDown:
		r.linkDown(ctx, m)
	case *routerv1.UpdateReceived:
		r.updateReceived(ctx, m)
	case *routerv1.AdvertisementReceived:
		r.advertisementReceived(ctx, m)

	case *routerv1.Tick:
		r.tick(ctx, m)

	default:
		supervise.Unexpected(ctx)
	}
}

func (r *router) start(ctx actor.Context) {
	r.cfg.Log = supervise.Logger(ctx, r.cfg.Log)
	r.keepAlive = after(ctx, keepAlivePeriod, routerv1.Job_JOB_KEEP_ALIVE)
	r.round = after(ctx, roundPeriod, routerv1.Job_JOB_ROUND)
	r.age = after(ctx, agePeriod, routerv1.Job_JOB_AGE)
	r.publish(ctx)
}

func (r *router) stop() {
	for _, j := range []*job{&r.updates, &r.tables, &r.offers, &r.tellings} {
		j.stop()
	}
	for _, t := range []*time.Timer{r.keepAlive, r.round, r.age, r.introduction} {
		if t != nil {
			t.Stop()
		}
	}
}

func (r *router) tick(ctx actor.Context, m *routerv1.Tick) {
	switch m.GetJob() {
	case routerv1.Job_JOB_UPDATE:
		r.updates.tick(ctx)
	case routerv1.Job_JOB_TABLE:
		r.tables.tick(ctx)
	case routerv1.Job_JOB_ADVERTISE:
		r.offers.tick(ctx)
	case routerv1.Job_JOB_TELL:
		r.tellings.tick(ctx)
	case routerv1.Job_JOB_KEEP_ALIVE:
		r.keepAlive = after(ctx, keepAlivePeriod, m.GetJob())
		r.keepLinksAlive(ctx)
	case routerv1.Job_JOB_ROUND:
		r.round = after(ctx, roundPeriod, m.GetJob())
		r.offerAll(ctx)
	case routerv1.Job_JOB_INTRODUCE:
		r.introduced(ctx)
	case routerv1.Job_JOB_AGE:
		r.age = after(ctx, agePeriod, m.GetJob())
		r.forget(ctx)
	case routerv1.Job_JOB_UNSPECIFIED:
		supervise.Unexpected(ctx)
	}
}

// forget drops what nobody vouches for any more.
func (r *router) forget(ctx actor.Context) {
	now := time.Now()
	r.ads.Age(now)
	if n := r.db.Age(r.table, now); n > 0 {
		r.cfg.Log.Debug().Int("nodes", n).Msg("forgot nodes out of reach")
		r.tables.request(ctx)
	}
}
