package control

import (
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"receptor/actors/control/command"
	"receptor/actors/supervise/payload"
	workv1 "receptor/proto/work/v1"
)

// startTimeout is long: starting a remote unit can include its whole payload.
const startTimeout = 24 * time.Hour

func (c *connection) access(signature string) *workv1.Access {
	return &workv1.Access{Signature: signature, Trusted: c.cfg.Trusted}
}

// refuse answers with the reason of the work family.
func (c *connection) refuse(r *workv1.Refused) {
	c.say(command.Error(r.GetText()))
}

func (c *connection) submit(ctx actor.Context, r command.Submit) {
	node := r.Node
	if strings.EqualFold(node, "localhost") {
		node = c.cfg.NodeID
	}
	m := &workv1.Submit{
		Node: node, WorkType: r.WorkType, Params: r.Params, TlsClient: r.TLSClient,
		Ttl: r.TTL, SignWork: r.SignWork, Access: c.access(r.Signature), Key: r.Key,
	}
	c.ask(ctx, c.cfg.Work, m, queryTimeout, func(answer any) {
		reply, ok := answer.(*workv1.SubmitReply)
		switch {
		case !ok:
			c.confused(answer)
		case reply.GetCreated() == nil:
			c.refuse(reply.GetRefused())
		case reply.GetCreated().GetExists():
			c.session.reply(command.UnitExists(reply.GetCreated().GetUnitId()))
		default:
			c.unit = reply.GetCreated().GetUnitId()
			path := reply.GetCreated().GetStdinPath()
			c.session.takePayload(command.UnitCreated(c.unit), path, c.payloadTrace(path))
		}
	})
}

// payloadTrace returns what logs a payload that was stored at path. It is called by
// the session.
func (c *connection) payloadTrace(path string) func() {
	trace, log, unit, from := c.cfg.PayloadTrace, c.cfg.Log, c.unit, payload.FromNetwork
	if c.cfg.Trusted {
		from = payload.FromUnixSocket
	}
	return func() { trace.Log(log, from, unit, path) }
}

// startUnit hands the stored payload over to the unit, or says why there is none.
func (c *connection) startUnit(ctx actor.Context, inputError string) {
	unit := c.unit
	// Whatever the answer: what the client sent of a broken payload is no command.
	c.unit, c.last = "", true
	m := &workv1.Start{UnitId: unit, InputError: inputError}
	c.ask(ctx, c.cfg.Work, m, startTimeout, func(answer any) {
		reply, ok := answer.(*workv1.StartReply)
		switch {
		case !ok:
			c.confused(answer)
		case inputError != "":
			c.say(command.Error("error reading input data: " + inputError))
		case reply.GetStarted() == nil:
			c.refuse(reply.GetRefused())
		default:
			c.say(command.StartedReply(unit, reply.GetStarted().GetPending()))
		}
	})
}

// abandonUnit fails the unit whose payload can't be completed any more.
func (c *connection) abandonUnit(ctx actor.Context) {
	ctx.Send(c.cfg.Work, &workv1.Start{UnitId: c.unit, InputError: "control connection was stopped"})
	c.unit = ""
}

func (c *connection) listUnits(ctx actor.Context, r command.ListUnits) {
	m := &workv1.ListUnits{
		UnitId: r.Unit, States: r.States, WorkType: r.WorkType, Node: r.Node,
		After: r.After, Limit: int32(r.Limit), //nolint:gosec // checked when it was read
	}
	c.units(ctx, m, func(units []*workv1.Status) {
		if r.Brief {
			c.session.reply(command.BriefUnitsReply(units, c.cfg.NodeID))
			return
		}
		c.session.reply(command.UnitsReply(units))
	})
}

func (c *connection) unitStatus(ctx actor.Context, r command.UnitStatus) {
	c.units(ctx, &workv1.ListUnits{UnitId: r.Unit}, func(units []*workv1.Status) {
		if len(units) != 1 {
			c.session.reply(command.Error("unknown work unit " + r.Unit))
			return
		}
		c.session.reply(command.UnitReply(units[0]))
	})
}

func (c *connection) watchUnit(ctx actor.Context, r command.WatchUnit) {
	c.units(ctx, &workv1.ListUnits{UnitId: r.Unit}, func([]*workv1.Status) { c.session.watch(c.cfg.Feeds, r.Unit) })
}

// drain stops the node from taking new work, or lets it take work again.
func (c *connection) drain(ctx actor.Context, r command.Drain) {
	var m any = &workv1.Drain{Access: c.access("")}
	if r.Resume {
		m = &workv1.Resume{Access: c.access("")}
	}
	c.ask(ctx, c.cfg.Work, m, queryTimeout, func(answer any) {
		reply, ok := answer.(*workv1.DrainReply)
		switch {
		case !ok:
			c.confused(answer)
		case reply.GetDrained() == nil:
			c.refuse(reply.GetRefused())
		default:
			c.session.reply(command.DrainReply(reply.GetDrained().GetDraining(), reply.GetDrained().GetUnfinished()))
		}
	})
}

// units asks for the status of units.
func (c *connection) units(ctx actor.Context, m *workv1.ListUnits, then func([]*workv1.Status)) {
	c.ask(ctx, c.cfg.Work, m, queryTimeout, func(answer any) {
		reply, ok := answer.(*workv1.ListUnitsReply)
		switch {
		case !ok:
			c.confused(answer)
		case reply.GetUnits() == nil:
			c.refuse(reply.GetRefused())
		default:
			then(reply.GetUnits().GetUnits())
		}
	})
}

func (c *connection) cancelUnit(ctx actor.Context, r command.Cancel) {
	m := &workv1.Cancel{UnitId: r.Unit, Access: c.access(r.Signature)}
	c.end(ctx, m, func(pending bool) []byte { return command.CancelReply(r.Unit, pending) })
}

func (c *connection) releaseUnit(ctx actor.Context, r command.Release) {
	m := &workv1.Release{UnitId: r.Unit, Force: r.Force, Access: c.access(r.Signature)}
	c.end(ctx, m, func(pending bool) []byte { return command.ReleaseReply(r.Unit, pending) })
}

func (c *connection) end(ctx actor.Context, m any, line func(pending bool) []byte) {
	c.ask(ctx, c.cfg.Work, m, endTimeout, func(answer any) {
		reply, ok := answer.(*workv1.EndReply)
		switch {
		case !ok:
			c.confused(answer)
		case reply.GetEnded() == nil:
			c.refuse(reply.GetRefused())
		default:
			c.session.reply(line(reply.GetEnded().GetPending()))
		}
	})
}

func (c *connection) results(ctx actor.Context, r command.Results) {
	m := &workv1.GetResults{UnitId: r.Unit, Access: c.access(r.Signature)}
	c.ask(ctx, c.cfg.Work, m, queryTimeout, func(answer any) {
		reply, ok := answer.(*workv1.GetResultsReply)
		switch {
		case !ok:
			c.confused(answer)
		case reply.GetGranted() == nil:
			c.refuse(reply.GetRefused())
		default:
			c.session.results(c.cfg.Feeds, r.Unit, r.Offset)
		}
	})
}
