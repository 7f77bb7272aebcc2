package control

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"receptor/actors/control/command"
	"receptor/actors/supervise"
	controlv1 "receptor/proto/control/v1"
	routerv1 "receptor/proto/router/v1"
)

// How long a connection waits for an answer from inside the node. Ending a unit
// includes the time its process has to obey and a call to its remote node.
const (
	queryTimeout = 15 * time.Second
	endTimeout   = 5 * time.Minute
)

// connection serves one client.
//
//	parent   a listener, which never restarts it
//	owns     a session: the socket and the goroutine that reads and writes it
//	fails    when the socket breaks; a client that closes is no failure
//	restart  never, the client connects again
type connection struct {
	cfg     listenerConfig
	seat    *seat
	session *session
	unit    string // whose payload is being received
	last    bool   // after the next line the session ends
}

func newConnection(cfg listenerConfig, s *seat) *connection {
	return &connection{cfg: cfg, seat: s}
}

func (c *connection) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		c.start(ctx)
	case *actor.Restarting, *actor.Stopping:
		c.stop(ctx)

	case *controlv1.Finish:
		if c.session.finishSoon() {
			ctx.Stop(ctx.Self())
		}
	case *controlv1.LineReceived:
		c.obey(ctx, m.GetLine())
	case *controlv1.LineRefused:
		c.session.reply(command.Error(m.GetText()))
	case *controlv1.PayloadStored:
		c.startUnit(ctx, m.GetError())
	case *controlv1.SessionEnded:
		c.ended(ctx, m)

	case actor.SystemMessage, actor.AutoReceiveMessage:
	default:
		unexpected(ctx, c.cfg.Log)
	}
}

func (c *connection) start(ctx actor.Context) {
	c.cfg.Log = supervise.Logger(ctx, c.cfg.Log)
	report := sessionSink{ctx.ActorSystem().Root, ctx.Self()}
	c.session = startSession(c.seat, command.Banner(c.cfg.NodeID), c.cfg.budget, report)
}

func (c *connection) stop(ctx actor.Context) {
	c.session.stop()
	c.seat.leave()
	if c.unit != "" {
		c.abandonUnit(ctx)
	}
}

func (c *connection) ended(ctx actor.Context, m *controlv1.SessionEnded) {
	if m.GetEnd() == controlv1.SessionEnd_SESSION_END_LOST {
		supervise.Fail(supervise.CauseLost, errors.New(m.GetText()))
	}
	ctx.Stop(ctx.Self())
}

// obey is the table of commands.
//
//nolint:cyclop // one line per command, like Receive
func (c *connection) obey(ctx actor.Context, line []byte) {
	if command.IsHTTP(line) {
		c.cfg.Log.Warn().Msg("a web client is at the control service: refused")
		c.session.finish(command.Error("this is no web server"))
		return
	}
	request, err := command.Parse(line)
	if err != nil {
		c.session.reply(command.Error(err.Error()))
		return
	}
	switch r := request.(type) {
	case command.Status:
		c.status(ctx, r)
	case command.Ping:
		c.ping(r)
	case command.Traceroute:
		c.traceroute(r)
	case command.Connect:
		c.session.connect(c.cfg.Config, r)
	case command.Reload:
		c.reload(r)
	case command.Tree:
		c.tree(ctx, r)
	case command.Events:
		c.events(r)
	case command.Act:
		c.act(ctx, r)

	case command.Submit:
		c.submit(ctx, r)
	case command.ListUnits:
		c.listUnits(ctx, r)
	case command.UnitStatus:
		c.unitStatus(ctx, r)
	case command.WatchUnit:
		c.watchUnit(ctx, r)
	case command.WatchUnits:
		c.session.watchUnits(c.cfg.Feeds)
	case command.Features:
		c.session.reply(command.FeaturesReply())
	case command.Drain:
		c.drain(ctx, r)
	case command.Cancel:
		c.cancelUnit(ctx, r)
	case command.Release:
		c.releaseUnit(ctx, r)
	case command.Results:
		c.results(ctx, r)
	case command.ErrorOutput:
		c.errorOutput(ctx, r)

	default:
		panic(request) // the parser knows a command that this table does not
	}
}

// say answers the client; the next command may follow, unless this is the end.
func (c *connection) say(line []byte) {
	if c.last {
		c.session.finish(line)
		return
	}
	c.session.reply(line)
}

// ask asks a family and hands its answer on. When there is none in time, the
// client is told who owes it.
func (c *connection) ask(ctx actor.Context, who *actor.PID, question any, wait time.Duration, answer func(any)) {
	asked := ctx.RequestFuture(who, question, wait)
	ctx.ReenterAfter(asked, func(res any, err error) {
		if err != nil {
			c.say(command.Error(fmt.Sprintf("no answer from %s: %v; see the log of this node", who.GetId(), err)))
			return
		}
		answer(res)
	})
}

// confused is the reply when an answer has a type that nobody agreed on.
func (c *connection) confused(answer any) {
	c.cfg.Log.Error().Type("message", answer).Msg("unexpected answer")
	c.say(command.Error("internal error: unexpected answer"))
}

func (c *connection) status(ctx actor.Context, r command.Status) {
	if r.WantsLinks() && c.cfg.Links != nil && c.barred() == "" {
		c.withLinks(ctx, r)
		return
	}
	c.statusOf(ctx, r, c.cfg.host)
}

func (c *connection) statusOf(ctx actor.Context, r command.Status, host command.Host) {
	if !r.NeedsRouter() {
		own := &routerv1.Status{NodeId: c.cfg.NodeID}
		c.session.reply(command.StatusReply(r, own, host, time.Now()))
		return
	}
	c.ask(ctx, c.cfg.Router, &routerv1.GetStatus{}, queryTimeout, func(answer any) {
		s, ok := answer.(*routerv1.Status)
		if !ok {
			c.confused(answer)
			return
		}
		// Whole meshes are in it: it is the session's time that pays for encoding it.
		c.session.compute(func(context.Context) []byte {
			if c.cfg.Expiring != nil {
				host.Expiring = c.cfg.Expiring()
			}
			return command.StatusReply(r, s, host, time.Now())
		})
	})
}

func (c *connection) ping(r command.Ping) {
	c.session.compute(func(ctx context.Context) []byte {
		return command.PingReply(c.probe(ctx, r.Target, command.MaxHops))
	})
}

func (c *connection) traceroute(r command.Traceroute) {
	c.session.compute(func(ctx context.Context) []byte {
		var probes []command.Probe
		for hops := 0; ; hops++ {
			p := c.probe(ctx, r.Target, hops)
			probes = append(probes, p)
			if command.TraceEnds(p, hops) {
				return command.TraceReply(probes)
			}
		}
	})
}

// probe runs in the session.
func (c *connection) probe(ctx context.Context, target string, hops int) command.Probe {
	res := c.cfg.Plane.Ping(ctx, target, byte(hops))
	return command.Probe{From: res.From, Took: res.Took, Problem: res.Problem}
}

func (c *connection) reload(r command.Reload) {
	if c.cfg.Reload == nil {
		c.session.reply(command.ReloadReply(r, nil, command.ErrNoReload))
		return
	}
	c.session.compute(func(ctx context.Context) []byte {
		changes, err := c.cfg.Reload(ctx, r.DryRun)
		if err != nil && !r.DryRun {
			c.cfg.Log.Warn().Msg("Reload not successful: " + err.Error())
		}
		return command.ReloadReply(r, changes, err)
	})
}
