package work

import (
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"receptor/actors/supervise"
	"receptor/actors/work/unit"
	workv1 "receptor/proto/work/v1"
)

// monitorBackoff is short at first: a node that restarts is back in a second.
var monitorBackoff = supervise.Backoff{Min: 500 * time.Millisecond, Max: 15 * time.Second, Quiet: 20 * time.Second}

func newRemoteUnit(cfg unitConfig) func() actor.Actor {
	return func() actor.Actor { return &remoteUnit{monitored: newMonitored(cfg)} }
}

// remoteUnit is a unit that another node runs for us.
//
//	parent   work
//	owns     its monitor, and the clock of its time to start
//	fails    when its record can't be written
//	restart  reads the record, and starts a monitor that goes on from there
type remoteUnit struct {
	monitored
	machine  unit.Remote
	attempts uint32 // sessions that failed
	lastErr  string
	expiry   *time.Timer
	force    *time.Timer   // nil until a forced release waits for the other node
	armed    time.Time     // when this incarnation began to watch the clock,
	left     time.Duration // and how much time there was then
}

func (u *remoteUnit) Receive(ctx actor.Context) {
	if u.Supervise(ctx) || u.refuseGone(ctx) {
		return
	}
	switch m := ctx.Message().(type) {
	case *actor.Started:
		u.start(ctx)
	case *actor.Stopping, *actor.Restarting:
		u.stop()
	case *actor.Terminated:
		u.terminated(ctx, m)

	case *workv1.Create:
		*u.handled++
		u.machine = unit.NewRemote(remoteData(m.GetRemote()))
		u.create(ctx, u.machine.Record, m.GetKey())
		u.setExpiry(ctx)
	case *workv1.Start, *workv1.Cancel, *workv1.Release:
		u.step(ctx, u.asked(ctx))
		u.boundForce(ctx)

	case *workv1.GetTask:
		u.giveTask(ctx)
	case *workv1.Report:
		u.report(ctx, m)
	case *workv1.StartExpired:
		u.expired(ctx)
	case *workv1.ForceDue:
		u.forceDue(ctx)
	case *workv1.RemovalDue:
		u.do(ctx, []unit.Action{{Do: unit.Delete}})

	default:
		unexpected(ctx, u.Log)
	}
}

func remoteData(m *workv1.RemoteWork) unit.RemoteData {
	data := unit.RemoteData{
		RemoteNode: m.GetNode(), RemoteWorkType: m.GetWorkType(), RemoteParams: m.GetParams(),
		SignWork: m.GetSignWork(), TLSClient: m.GetTlsClient(),
	}
	if ns := m.GetExpiresUnixNs(); ns != 0 {
		data.Expiration = time.Unix(0, ns).UTC()
	}
	return data
}

func (u *remoteUnit) start(ctx actor.Context) {
	u.Log = supervise.Logger(ctx, u.Log)
	r, ok := u.load()
	if !ok {
		u.machine = unit.NewRemote(unit.RemoteData{}) // Create follows
		return
	}
	if r.Remote == nil { // the record was taken away, and the unit has failed
		r.Remote = &unit.RemoteData{}
		u.machine = unit.Remote{Record: r}
		u.do(ctx, nil)
		return
	}
	u.forced = u.dir.Forced()
	machine, actions := unit.LoadRemote(r, u.forced)
	u.machine = machine
	u.setExpiry(ctx)
	u.do(ctx, actions)
	u.boundForce(ctx)
}

func (u *remoteUnit) stop() {
	u.stopping = true
	u.stopTimers()
	if u.expiry != nil {
		u.expiry.Stop()
	}
	if u.force != nil {
		u.force.Stop()
	}
}

// step asks the machine and does what it says.
func (u *remoteUnit) step(ctx actor.Context, e unit.Event) {
	machine, actions := u.machine.Step(e)
	u.machine = machine
	u.do(ctx, actions)
}

func (u *remoteUnit) do(ctx actor.Context, actions []unit.Action) {
	for _, a := range actions {
		switch a.Do {
		case unit.Save:
			u.save(ctx, u.machine.Record)
		case unit.Show:
			u.show(u.machine.Record)
		case unit.MarkRelease:
			u.markForced()
		default:
			u.act(ctx, a)
		}
	}
	if u.machine.Idle() && !u.gone && u.monitor == nil {
		u.idle(ctx)
	}
}

func (u *remoteUnit) terminated(ctx actor.Context, m *actor.Terminated) {
	if u.ended(ctx, m.Who, u.machine.Task() != unit.Nothing) {
		u.do(ctx, nil)
	}
}

// giveTask tells a new incarnation of the monitor what is to be done now.
func (u *remoteUnit) giveTask(ctx actor.Context) {
	number := u.number(ctx.Sender())
	if number == 0 {
		return
	}
	data := u.machine.Remote
	task := &workv1.Task{
		Number: number, Node: data.RemoteNode, TlsClient: data.TLSClient, RemoteUnitId: data.RemoteUnitID,
		WorkType: data.RemoteWorkType, Params: data.RemoteParams, SignWork: data.SignWork,
		Key: u.NodeID + "/" + u.id,
	}
	switch u.machine.Task() {
	case unit.Submit:
		task.Submit, task.Follow = true, true
	case unit.Follow:
		task.Follow = true
	case unit.Cancel:
		task.End, task.Follow = workv1.End_END_CANCEL, true
	case unit.Discard:
		task.End = workv1.End_END_RELEASE
	case unit.Nothing:
	}
	ctx.Respond(task)
}

// report takes a fact from the monitor's goroutines and notes it. A remote unit
// that was made must not be forgotten, even if nobody waits for it any more.
func (u *remoteUnit) report(ctx actor.Context, m *workv1.Report) {
	stale := m.GetTask() != u.current
	orphan := m.GetRemoteCreated() != nil && u.machine.Remote.RemoteUnitID == "" && !u.gone
	if !stale || orphan {
		u.step(ctx, u.event(m))
	}
	respond(ctx, &workv1.Noted{Stale: stale})
}

func (u *remoteUnit) event(m *workv1.Report) unit.Event {
	switch f := m.GetFact().(type) {
	case *workv1.Report_Unreachable:
		u.attempts++
		u.note(f.Unreachable)
		return unit.Unreached{Error: f.Unreachable.GetText(), Fatal: f.Unreachable.GetFatal()}
	case *workv1.Report_RemoteCreated:
		return unit.Accepted{RemoteUnitID: f.RemoteCreated.GetRemoteUnitId()}
	case *workv1.Report_RemoteStarted:
		return unit.Started{}
	case *workv1.Report_RemoteRefused:
		return unit.Refused{Error: f.RemoteRefused.GetText()}
	case *workv1.Report_RemoteGone:
		return unit.Gone{Size: u.dir.OutputSize()}
	case *workv1.Report_RemoteState:
		s := f.RemoteState
		return unit.RemoteReported{State: unit.State(s.GetState()), Detail: s.GetDetail(), Size: s.GetStdoutSize()}
	case *workv1.Report_OutputCopied:
		return unit.OutputCopied{Size: f.OutputCopied.GetSize(), Announced: f.OutputCopied.GetAnnounced()}
	case *workv1.Report_OutputFailed:
		return unit.OutputFailed{Error: f.OutputFailed.GetText(), Size: u.dir.OutputSize()}
	case *workv1.Report_RemoteEnded:
		e := f.RemoteEnded
		return unit.EndAnswered{Release: e.GetEnd() == workv1.End_END_RELEASE, Error: strings.TrimSpace(e.GetError())}
	default:
		return nil
	}
}

// note remembers why a session failed. Who only waits for a node to come back learns it
// from the routes; what a person has to mend is logged, once.
func (u *remoteUnit) note(m *workv1.Unreachable) {
	if m.GetFatal() && m.GetText() != u.lastErr {
		u.Log.Warn().Str("unit", u.id).Str("node", u.machine.Remote.RemoteNode).Str("err", m.GetText()).
			Msg("remote unit can't be followed: the other node or our configuration says no")
	}
	u.lastErr = m.GetText()
}

// markForced lets the force survive the daemon. If it can't the release goes on all the
// same: a full disk is a reason to release units.
func (u *remoteUnit) markForced() {
	if err := u.dir.MarkForced(); err != nil {
		u.Log.Warn().Str("unit", u.id).Err(err).Msg("forced release can't be written down: ask again if the node ends before the unit is gone")
	}
}

// boundForce bounds the wait of a forced release, whatever the other node does.
func (u *remoteUnit) boundForce(ctx actor.Context) {
	if !u.forced || u.gone || u.force != nil {
		return
	}
	root, self := ctx.ActorSystem().Root, ctx.Self()
	u.force = time.AfterFunc(u.forceWait, func() { root.Send(self, &workv1.ForceDue{}) })
}

func (u *remoteUnit) forceDue(ctx actor.Context) {
	if !u.gone {
		u.step(ctx, unit.Unreached{Error: "the other node did not answer to release in time"})
	}
}

// setExpiry starts the clock of a unit that has to start in time.
func (u *remoteUnit) setExpiry(ctx actor.Context) {
	data := u.machine.Remote
	if u.gone || data == nil || data.Expiration.IsZero() || data.RemoteStarted || u.machine.State.Final() {
		return
	}
	if u.armed.IsZero() {
		u.armed, u.left = time.Now(), time.Until(data.Expiration)
	}
	root, self := ctx.ActorSystem().Root, ctx.Self()
	wait := unit.ExpiryWait(u.left, time.Since(u.armed), time.Until(data.Expiration))
	u.expiry = time.AfterFunc(wait, func() { root.Send(self, &workv1.StartExpired{}) })
}

func (u *remoteUnit) expired(ctx actor.Context) {
	if unit.ExpiryWait(u.left, time.Since(u.armed), time.Until(u.machine.Remote.Expiration)) > 0 {
		u.setExpiry(ctx)
		return
	}
	u.step(ctx, unit.Expired{Now: time.Now(), Attempts: u.attempts, Error: u.lastErr})
}
