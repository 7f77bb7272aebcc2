package work

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"receptor/actors/supervise"
	"receptor/actors/work/store"
	"receptor/actors/work/unit"
	workv1 "receptor/proto/work/v1"
)

const (
	removeTries = 3
	removePause = time.Second
)

// unitConfig is what a unit is born with.
type unitConfig struct {
	*family
	id string
	// handled counts commands over all incarnations; only the unit touches it.
	handled *uint64
}

// unitBase is what local and remote units have in common: a directory, a feed,
// and those who wait for an answer. Its methods belong to the unit's Receive.
type unitBase struct {
	unitConfig
	Log      zerolog.Logger // the family's, at the level of this actor
	dir      store.Dir
	feed     *feed // nil until the unit exists
	starts   []*actor.PID
	ends     []*actor.PID
	forced   bool // errors of the removal do not matter
	removal  *time.Timer
	removing bool // the removal is tried again in a moment
	tries    int
	gone     bool
}

func newUnitBase(cfg unitConfig) unitBase {
	return unitBase{unitConfig: cfg, Log: cfg.Log, dir: cfg.store.Dir(cfg.id)}
}

// load reads the record of a unit that exists already. One whose directory somebody
// else has removed can do nothing any more but be released.
func (u *unitBase) load() (unit.Record, bool) {
	if !u.store.Has(u.id) {
		return u.loadGone()
	}
	r, err := u.dir.Read()
	if err != nil {
		r = quarantined(err)
	}
	u.show(r)
	return r, true
}

// loadGone is load without a directory: there never was one, or somebody else has
// removed it. A unit that had ended before ended as it did.
func (u *unitBase) loadGone() (unit.Record, bool) {
	old := u.Feeds.status(u.id)
	if old == nil {
		return unit.Record{}, false
	}
	r := unit.Record{
		State: unit.State(old.GetState()), Detail: old.GetDetail(), StdoutSize: old.GetStdoutSize(),
		WorkType: old.GetWorkType(), Other: []byte("{}"),
	}
	if !r.State.Final() {
		r.State, r.Detail, r.StdoutSize = unit.Failed, unit.DirectoryGone(u.dir.Path()), 0
	}
	u.show(r)
	return r, true
}

// create makes the unit and answers the Submit.
func (u *unitBase) create(ctx actor.Context, r unit.Record, key string) {
	if _, err := u.store.Create(u.id, r, key); err != nil {
		no := refused(workv1.Code_CODE_FAILED, "could not create work unit: "+err.Error())
		respond(ctx, &workv1.SubmitReply{Result: &workv1.SubmitReply_Refused{Refused: no}})
		u.leave(ctx)
		return
	}
	u.show(r)
	respond(ctx, &workv1.SubmitReply{Result: &workv1.SubmitReply_Created{
		Created: &workv1.Created{UnitId: u.id, StdinPath: u.dir.Stdin()},
	}})
}

// leave says goodbye: the unit does not exist any more.
func (u *unitBase) leave(ctx actor.Context) {
	u.gone = true
	ctx.Send(ctx.Parent(), &workv1.UnitRemoved{UnitId: u.id})
}

// save writes the record down and then shows it. A unit that can't is of no use
// in this state: it tells everybody and starts again from what is on disk.
func (u *unitBase) save(ctx actor.Context, r unit.Record) {
	err := u.dir.Save(r)
	if err != nil && u.forced {
		u.Log.Warn().Str("unit", u.id).Err(err).Msg("record can't be written, the unit is released all the same")
		err = nil
	}
	if err != nil {
		u.reportGone(r)
		u.answerStarts(ctx, err.Error(), false)
		u.answerEnds(ctx, err.Error(), false)
		supervise.Fail(supervise.CauseLost, err)
	}
	u.show(r)
}

// reportGone says that somebody else has removed the directory, if so. What runs on
// another node is known to nobody else then.
func (u *unitBase) reportGone(r unit.Record) {
	if u.store.Has(u.id) {
		return
	}
	e := u.Log.Warn().Str("unit", u.id).Str("path", u.dir.Path())
	if r.Remote != nil && r.Remote.RemoteUnitID != "" {
		e = e.Str("node", r.Remote.RemoteNode).Str("remote", r.Remote.RemoteUnitID)
	}
	e.Msg("directory of the unit was removed by somebody else: the unit has failed; release it, and what it has on another node")
}

func (u *unitBase) show(r unit.Record) {
	if old := u.Feeds.status(u.id); old == nil || unit.State(old.GetState()) != r.State {
		u.tellState(r)
	}
	u.feed = u.Feeds.publish(u.id, u.dir, shown(u.id, r))
}

// shown is the record as clients may see it.
func shown(id string, r unit.Record) *workv1.Status {
	extra, err := r.Shown()
	if err != nil {
		extra = unit.UnknownType
	}
	s := &workv1.Status{
		UnitId: id, State: workv1.State(r.State), Detail: r.Detail, StdoutSize: r.StdoutSize,
		WorkType: r.WorkType, ExtraData: extra,
	}
	if r.Remote != nil {
		s.RemoteNode, s.RemoteWorkType = r.Remote.RemoteNode, r.Remote.RemoteWorkType
	}
	return s
}

// refuseGone answers commands that were on their way when the unit was removed.
func (u *unitBase) refuseGone(ctx actor.Context) bool {
	if !u.gone {
		return false
	}
	switch ctx.Message().(type) {
	case *workv1.Start:
		respond(ctx, &workv1.StartReply{Result: &workv1.StartReply_Refused{Refused: unknownUnit(u.id)}})
	case *workv1.Cancel, *workv1.Release:
		respond(ctx, &workv1.EndReply{Result: &workv1.EndReply_Refused{Refused: unknownUnit(u.id)}})
	default:
		return false
	}
	return true
}

// idle tells the supervisor that nothing is left to do, if that is so.
func (u *unitBase) idle(ctx actor.Context) {
	if u.removing {
		return
	}
	ctx.Request(ctx.Parent(), &workv1.UnitIdle{UnitId: u.id, Handled: *u.handled})
}

// asked takes a command that every unit knows and returns what it is to the machine.
func (u *unitBase) asked(ctx actor.Context) unit.Event {
	*u.handled++
	switch m := ctx.Message().(type) {
	case *workv1.Start:
		u.starts = wants(u.starts, ctx.Sender())
		return unit.PayloadEnded{Error: m.GetInputError()}
	case *workv1.Release:
		u.forced = u.forced || m.GetForce()
		u.ends = wants(u.ends, ctx.Sender())
		return unit.ReleaseAsked{Force: m.GetForce()}
	default:
		u.ends = wants(u.ends, ctx.Sender())
		return unit.CancelAsked{}
	}
}

// act does the actions that are the same for all units. Which others there are is the
// unit's own to know: its machine asks for no more.
func (u *unitBase) act(ctx actor.Context, a unit.Action) {
	switch a.Do {
	case unit.Delete:
		u.remove(ctx)
	case unit.AnswerStart:
		u.answerStarts(ctx, a.Text, a.Pending)
	case unit.AnswerEnd:
		u.answerEnds(ctx, a.Text, a.Pending)
	default:
		panic("action of another kind of unit: " + a.String())
	}
}

func wants(list []*actor.PID, who *actor.PID) []*actor.PID {
	if who == nil {
		return list
	}
	return append(list, who)
}

func (u *unitBase) answerStarts(ctx actor.Context, text string, pending bool) {
	reply := &workv1.StartReply{Result: &workv1.StartReply_Started{Started: &workv1.Started{Pending: pending}}}
	if text != "" {
		reply.Result = &workv1.StartReply_Refused{Refused: refused(workv1.Code_CODE_FAILED, text)}
	}
	for _, pid := range u.starts {
		ctx.Send(pid, reply)
	}
	u.starts = nil
}

func (u *unitBase) answerEnds(ctx actor.Context, text string, pending bool) {
	reply := &workv1.EndReply{Result: &workv1.EndReply_Ended{Ended: &workv1.Ended{Pending: pending}}}
	if text != "" {
		reply.Result = &workv1.EndReply_Refused{Refused: refused(workv1.Code_CODE_FAILED, text)}
	}
	for _, pid := range u.ends {
		ctx.Send(pid, reply)
	}
	u.ends = nil
}

// remove deletes the directory; that may take some tries.
func (u *unitBase) remove(ctx actor.Context) {
	u.notices.remove(u.dir)
	err := u.dir.Remove()
	u.tries++
	switch {
	case err == nil || u.forced && u.tries >= removeTries:
		u.Feeds.remove(u.id)
		u.tellReleased()
		u.leave(ctx) // first: who has read the answer finds nothing any more
		u.answerStarts(ctx, "work unit was released", false)
		u.answerEnds(ctx, "", false)
	case u.tries < removeTries:
		root, self := ctx.ActorSystem().Root, ctx.Self()
		u.removing = true
		u.removal = time.AfterFunc(removePause, func() { root.Send(self, &workv1.RemovalDue{}) })
	default:
		u.tries, u.removing = 0, false
		u.answerEnds(ctx, err.Error(), false)
	}
}

func (u *unitBase) stopTimers() {
	if u.removal != nil {
		u.removal.Stop()
	}
}
