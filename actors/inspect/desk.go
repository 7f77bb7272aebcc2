package inspect

import (
	"fmt"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"
	"google.golang.org/protobuf/proto"

	"receptor/actors/supervise"
	"receptor/actors/supervise/events"
	"receptor/actors/supervise/levels"
	"receptor/actors/supervise/tree"
	inspectv1 "receptor/proto/inspect/v1"
	linksv1 "receptor/proto/links/v1"
	routerv1 "receptor/proto/router/v1"
	supervisev1 "receptor/proto/supervise/v1"
)

const (
	// actTimeout bounds the wait for whoever carries an action out.
	actTimeout = 5 * time.Second
	// maxLevelTime bounds a log level that is not the configured one.
	maxLevelTime = 24 * time.Hour
)

const textForbidden = "this node takes no actions; start it with --debug actions=true, or add that to its configuration and reload it"

// DeskConfig is what the family is born with.
type DeskConfig struct {
	Log     zerolog.Logger
	Root    *actor.PID
	Router  *actor.PID
	Links   *actor.PID
	Journal *events.Journal
	Levels  *levels.Levels // nil: levels can't be changed
	// Allowed reports whether operators may act now.
	Allowed func() bool
}

// New returns the producer of the family.
func New(cfg DeskConfig) func() actor.Actor {
	return func() actor.Actor {
		return &desk{Supervisor: supervise.New(cfg.Log, supervise.Backoff{}), cfg: cfg}
	}
}

// desk takes what operators at the local socket want done, and has it done by
// whoever owns what it is about.
//
//	parent   node, which restarts it with Backoff
//	owns     nothing
//	fails    never by itself
//	restart  forgets what is under way; whoever asked is told nothing
type desk struct {
	*supervise.Supervisor
	cfg DeskConfig
}

func (d *desk) Receive(ctx actor.Context) {
	if d.mine(ctx) || d.Supervise(ctx) {
		return
	}
	switch ctx.Message().(type) {
	case *actor.Started, *actor.Stopping, *actor.Restarting:
	default:
		supervise.Unexpected(ctx)
	}
}

// mine are the actions. A supervisor would take some of them for its own children.
func (d *desk) mine(ctx actor.Context) bool {
	m, ok := ctx.Message().(proto.Message)
	if !ok || ctx.Sender() == nil {
		return false
	}
	if !d.cfg.Allowed() {
		return d.refuse(ctx, m)
	}
	switch m := m.(type) {
	case *inspectv1.RestartActor:
		d.delegate(ctx, d.cfg.Root, m, taken("restart", m.GetPath(), ""))
	case *inspectv1.TraceActor:
		d.delegate(ctx, d.cfg.Root, m, taken("trace", m.GetPath(),
			fmt.Sprintf("for %d s, at most %d messages a second", m.GetSeconds(), m.GetPerSecond())))
	case *inspectv1.TakeLinkDown:
		d.takeLinkDown(ctx, m)
	case *inspectv1.SetLogLevel:
		d.find(ctx, m)
	default:
		return false
	}
	return true
}

// refuse answers actions of a node that takes none.
func (d *desk) refuse(ctx actor.Context, m proto.Message) bool {
	switch m.(type) {
	case *inspectv1.RestartActor, *inspectv1.TraceActor, *inspectv1.TakeLinkDown, *inspectv1.SetLogLevel:
		ctx.Respond(refused(textForbidden))
		return true
	}
	return false
}

func taken(action, path, detail string) *inspectv1.ActionTaken {
	return &inspectv1.ActionTaken{Action: action, Path: path, Detail: detail}
}

// delegate asks who can do it, and tells the journal if it was done.
func (d *desk) delegate(ctx actor.Context, who *actor.PID, m proto.Message, e *inspectv1.ActionTaken) {
	d.delegateThen(ctx, who, m, e, func() {})
}

func (d *desk) delegateThen(ctx actor.Context, who *actor.PID, m proto.Message, e *inspectv1.ActionTaken, then func()) {
	client := ctx.Sender()
	ctx.ReenterAfter(ctx.RequestFuture(who, m, actTimeout), func(res any, err error) {
		reply := replyOf(res, err)
		if reply.GetDone() != nil {
			d.tell(e)
			reply = done(e)
			then()
		}
		ctx.Send(client, reply)
	})
}

// takeLinkDown holds a link down, or has it come back at once.
func (d *desk) takeLinkDown(ctx actor.Context, m *inspectv1.TakeLinkDown) {
	node, seconds := m.GetNeighbour(), int64(m.GetSeconds())
	hold, e := &routerv1.HoldLink{Node: node, DurationMs: seconds * 1000}, taken("link down", node, fmt.Sprintf("for %d s", seconds))
	d.delegateThen(ctx, d.cfg.Router, hold, e, func() {
		if seconds == 0 {
			ctx.Send(d.cfg.Links, &linksv1.DialNow{Node: node})
		}
	})
}

func (d *desk) tell(e *inspectv1.ActionTaken) {
	d.cfg.Log.Warn().Str("action", e.GetAction()).Str("actor", e.GetPath()).Msg("an operator acts")
	d.cfg.Journal.Add(&inspectv1.Event{What: &inspectv1.Event_ActionTaken{ActionTaken: e}})
}

func replyOf(res any, err error) *inspectv1.ActionReply {
	if err != nil {
		return refused("no answer: " + err.Error())
	}
	switch m := res.(type) {
	case *inspectv1.ActionReply:
		return m
	case *routerv1.HoldLinkReply:
		if no := m.GetRefused(); no != nil {
			return refused(no.GetText())
		}
		return &inspectv1.ActionReply{Result: &inspectv1.ActionReply_Done{Done: &inspectv1.ActionDone{}}}
	}
	return refused(fmt.Sprintf("unexpected answer %T", res))
}

func done(e *inspectv1.ActionTaken) *inspectv1.ActionReply {
	text := strings.TrimSpace(e.GetAction() + " " + e.GetPath() + " " + e.GetDetail())
	return &inspectv1.ActionReply{Result: &inspectv1.ActionReply_Done{Done: &inspectv1.ActionDone{Text: text}}}
}

func refused(text string) *inspectv1.ActionReply {
	return &inspectv1.ActionReply{Result: &inspectv1.ActionReply_Refused{Refused: &inspectv1.ActionRefused{Text: text}}}
}

// find looks whether there is an actor of that path: a level for nobody is a typing
// error. The configured level may be restored for one that has gone.
func (d *desk) find(ctx actor.Context, m *inspectv1.SetLogLevel) {
	client := ctx.Sender()
	if m.GetLevel() == "" {
		ctx.Send(client, d.setLevel(m))
		return
	}
	question := ctx.RequestFuture(d.cfg.Root, &supervisev1.GetTree{Path: m.GetPath()}, actTimeout)
	ctx.ReenterAfter(question, func(res any, err error) {
		reply, ok := res.(*supervisev1.Tree)
		switch {
		case err != nil || !ok:
			ctx.Send(client, replyOf(res, err))
		case tree.Find(reply.GetActor(), m.GetPath()) == nil:
			ctx.Send(client, refused("no such actor: "+m.GetPath()))
		default:
			ctx.Send(client, d.setLevel(m))
		}
	})
}

// setLevel needs nobody else: actors read their level where it was changed. Where
// actions ended meanwhile, so did all levels that they set.
func (d *desk) setLevel(m *inspectv1.SetLogLevel) *inspectv1.ActionReply {
	if d.cfg.Levels == nil {
		return refused("the log of this node has one level for all")
	}
	e := taken("log level", m.GetPath(), "as configured")
	var err error
	if m.GetLevel() == "" {
		err = d.cfg.Levels.Reset(m.GetPath())
	} else {
		span := min(time.Duration(m.GetSeconds())*time.Second, maxLevelTime)
		e.Detail = fmt.Sprintf("%s for %v", m.GetLevel(), span)
		var at zerolog.Level
		if at, err = levels.Parse(m.GetLevel()); err == nil {
			err = d.cfg.Levels.Set(m.GetPath(), at, span)
		}
	}
	if err != nil {
		return refused(err.Error())
	}
	if !d.cfg.Allowed() {
		d.cfg.Levels.ResetAll()
		return refused(textForbidden)
	}
	d.tell(e)
	return done(e)
}
