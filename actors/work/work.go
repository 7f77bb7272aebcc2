package work

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/rs/zerolog"

	"receptor/actors/supervise"
	"receptor/actors/work/runner"
	"receptor/actors/work/store"
	"receptor/actors/work/unit"
	supervisev1 "receptor/proto/supervise/v1"
	workv1 "receptor/proto/work/v1"
)

// loadLimit bounds the wait for status files that other programs hold.
const loadLimit = 20 * time.Second

// New returns the producer of the family's supervisor.
func New(cfg Config) func() actor.Actor {
	return func() actor.Actor {
		return &work{
			Supervisor: supervise.New(cfg.Log, supervise.Backoff{}),
			family:     newFamily(cfg),
			units:      map[string]*entry{}, actors: map[string]*entry{}, keys: map[string]*entry{},
		}
	}
}

// work knows all units, and has an actor for each that has something to do.
//
//	parent   node
//	owns     the file watcher; units
//	fails    when the data directory can't be read
//	restart  loads all units again
type work struct {
	*supervise.Supervisor
	*family
	Log    zerolog.Logger    // the family's, at the level of this actor
	units  map[string]*entry // by unit ID
	keys   map[string]*entry // by the key of the request that made them
	actors map[string]*entry // by PID, those that have an actor
	sweeps bool              // there is a sweeper
	drains bool              // no new units are taken
	sweep  *time.Timer       // for finished units that are too old; nil for none
	ages   *ages             // of the units that were found
}

// entry is one unit.
type entry struct {
	id       string
	workType string // as it was asked for
	key      string // of the request that made it; empty for none
	given    bool   // its payload is complete
	remote   bool
	pod      bool
	needs    bool       // commands must be signed
	pid      *actor.PID // nil while nothing is to be done
	sent     uint64     // commands sent to this actor
	stopping bool
	ended    time.Time  // by the clock that nobody sets; zero while it is not known to have
	waiting  []envelope // commands that came while it stopped
}

// envelope is a command and who wants the answer.
type envelope struct {
	message any
	sender  *actor.PID
}

func (w *work) Receive(ctx actor.Context) {
	if w.Supervise(ctx) {
		return
	}
	switch m := ctx.Message().(type) {
	case *actor.Started:
		w.start(ctx)
	case *actor.Terminated:
		w.terminated(ctx, m)
	case *actor.Stopping, *actor.Restarting:
		w.stop()

	case *workv1.Submit:
		w.submit(ctx, m)
	case *workv1.Start:
		w.startUnit(ctx, m)
	case *workv1.Cancel:
		w.end(ctx, m.GetUnitId(), m.GetAccess())
	case *workv1.Release:
		w.end(ctx, m.GetUnitId(), m.GetAccess())
	case *workv1.Drain:
		w.drain(ctx, true, m.GetAccess())
	case *workv1.Resume:
		w.drain(ctx, false, m.GetAccess())

	case *workv1.ListUnits:
		w.list(ctx, m)
	case *workv1.GetResults:
		w.results(ctx, m)

	case *supervisev1.Reconcile:
		w.reconcile(ctx)
	case *workv1.WatchNode:
		w.watchNode(ctx, m)
	case *workv1.SlotWanted:
		w.slotWanted(ctx, m)
	case *workv1.RetentionDue:
		w.retire(ctx)
	case *workv1.UnitIdle:
		w.idle(ctx, m)
	case *workv1.UnitRemoved:
		w.removed(ctx, m)

	default:
		unexpected(ctx, w.Log)
	}
}

// start loads everything before the first command is looked at.
func (w *work) start(ctx actor.Context) {
	w.Log = supervise.Logger(ctx, w.family.Log)
	loaded, err := w.open()
	if err != nil {
		// Until it is mended, commands about work wait, and nobody else says why.
		w.Log.Error().Err(err).Msg("units of work can't be read, trying again: look at the datadir of node and who owns it")
		supervise.Fail(supervise.CauseBind, err)
	}
	w.program = runner.Find(w.RunnerProgram, w.Version, w.Runner, func(err error) {
		w.Log.Warn().Str("program", w.RunnerProgram).Err(err).
			Msg("command runner can't be used, this program does its work; it must be of the same build")
	})
	w.notices = newNotices(ctx.ActorSystem().Root, w.Log)
	w.far = newFarNodes(ctx.ActorSystem().Root, ctx.Self())
	w.Feeds.askFar(w.openFarErrors)
	w.ages = openAges(w.AgesFile, w.clocks, w.Log)
	w.resumeQueues(loaded)
	known := make(map[string]bool, len(loaded))
	for _, l := range loaded {
		known[l.ID] = true
		w.load(ctx, l)
	}
	w.Feeds.retain(known)
	w.Feeds.complete()
	w.scheduleRetention(ctx)
	w.startSweeper(ctx)
}

// load takes in a unit found on disk. One that can't be read is reported, shown
// as failed, and can be released.
func (w *work) load(ctx actor.Context, l store.Loaded) {
	if l.Err != nil {
		w.Log.Warn().Str("unit", l.ID).Err(l.Err).Msg("unit can't be read, set aside")
		l.Record = quarantined(l.Err)
	}
	e := &entry{
		id: l.ID, workType: requestedType(l.Record), key: l.Key, given: unit.Given(l.Record),
		remote: l.Record.Remote != nil, pod: l.Record.Kube != nil, needs: w.needsSignature(l.Record),
	}
	if l.Record.State.Final() {
		e.ended = w.ages.endedAt(l.Written)
	}
	w.add(e)
	w.Feeds.publish(l.ID, w.store.Dir(l.ID), shown(l.ID, l.Record))
	if w.resumes(l) {
		w.spawn(ctx, e)
	}
	if !e.given {
		w.discard(ctx, e)
	}
}

// resumes reports whether a unit found on disk has something to do.
func (w *work) resumes(l store.Loaded) bool {
	r := l.Record
	if r.Kube != nil {
		found := w.podFound(w.store.Dir(l.ID), r)
		u, actions := unit.LoadPod(r, found)
		return len(actions) > 0 || !u.Idle() && found.Known
	}
	if r.Remote == nil {
		return !r.State.Final() && r.Other == nil
	}
	u, actions := unit.LoadRemote(r, w.store.Dir(l.ID).Forced())
	return len(actions) > 0 || !u.Idle()
}

func quarantined(err error) unit.Record {
	return unit.Record{State: unit.Failed, Detail: "Failed to restart: " + err.Error(), Other: []byte("{}")}
}

func (w *work) spawn(ctx actor.Context, e *entry) {
	cfg := unitConfig{family: w.family, id: e.id, handled: new(uint64)}
	spec := supervise.Spec{Name: e.id, Kind: "unit", New: newLocalUnit(cfg), Transient: true}
	if e.remote {
		spec.New, spec.Supervises = newRemoteUnit(cfg), true
	} else if e.pod {
		spec.New, spec.Supervises = newPodUnit(cfg), true
	}
	pid, err := w.Spawn(ctx, spec)
	if err != nil {
		panic(err) // two actors for one unit
	}
	e.pid, e.sent, e.stopping = pid, 0, false
	w.actors[pid.Id] = e
}

// tell gives a command to a unit, which answers the sender.
func (w *work) tell(ctx actor.Context, e *entry, command envelope) {
	if e.stopping {
		e.waiting = append(e.waiting, command)
		return
	}
	if e.pid == nil {
		w.spawn(ctx, e)
	}
	e.sent++
	ctx.RequestWithCustomSender(e.pid, command.message, command.sender)
}

func requestedType(r unit.Record) string {
	if r.Remote != nil {
		return r.Remote.RemoteWorkType
	}
	return r.WorkType
}

func (w *work) add(e *entry) {
	w.units[e.id] = e
	if e.key != "" {
		w.keys[e.key] = e
	}
}

func (w *work) forget(e *entry) {
	delete(w.units, e.id)
	if w.keys[e.key] == e {
		delete(w.keys, e.key)
	}
}

func (w *work) submit(ctx actor.Context, m *workv1.Submit) {
	create, no := w.admit(m, time.Now())
	if no == nil && w.repeated(ctx, m) {
		return
	}
	if no == nil {
		no = w.room(create)
	}
	if no != nil {
		ctx.Respond(&workv1.SubmitReply{Result: &workv1.SubmitReply_Refused{Refused: no}})
		return
	}
	id, err := w.newID()
	if err != nil {
		no := refused(workv1.Code_CODE_FAILED, "could not create work unit: "+err.Error())
		ctx.Respond(&workv1.SubmitReply{Result: &workv1.SubmitReply_Refused{Refused: no}})
		return
	}
	e := &entry{id: id, workType: m.GetWorkType(), key: m.GetKey(), remote: create.GetRemote() != nil, pod: create.GetPod() != nil}
	e.needs = create.GetRemote().GetSignWork() || !e.remote && w.terms().types[create.GetWorkType()].VerifySignature
	create.Key = m.GetKey()
	w.add(e)
	if q := w.terms().queues[create.GetWorkType()]; q != nil {
		q.admit(id)
	}
	w.tell(ctx, e, envelope{create, ctx.Sender()})
}

func (w *work) startUnit(ctx actor.Context, m *workv1.Start) {
	e, ok := w.units[m.GetUnitId()]
	if !ok {
		answer := &workv1.StartReply{Result: &workv1.StartReply_Refused{Refused: unknownUnit(m.GetUnitId())}}
		respond(ctx, answer)
		return
	}
	e.given = e.given || m.GetInputError() == ""
	w.tell(ctx, e, envelope{m, ctx.Sender()})
	if !e.given {
		w.discard(ctx, e)
	}
}

// end forwards Cancel and Release.
func (w *work) end(ctx actor.Context, id string, access *workv1.Access) {
	e, ok := w.units[id]
	no := unknownUnit(id)
	if ok {
		no = w.permit(e.needs, access)
	}
	if no != nil {
		respond(ctx, &workv1.EndReply{Result: &workv1.EndReply_Refused{Refused: no}})
		return
	}
	w.tell(ctx, e, envelope{ctx.Message(), ctx.Sender()})
}

func (w *work) results(ctx actor.Context, m *workv1.GetResults) {
	e, ok := w.units[m.GetUnitId()]
	no := unknownUnit(m.GetUnitId())
	if ok {
		no = w.permit(e.needs, m.GetAccess())
	}
	if no != nil {
		ctx.Respond(&workv1.GetResultsReply{Result: &workv1.GetResultsReply_Refused{Refused: no}})
		return
	}
	ctx.Respond(&workv1.GetResultsReply{Result: &workv1.GetResultsReply_Granted{Granted: &workv1.Granted{}}})
}

// idle stops the actor of a unit that has nothing to do, unless a command is
// still on its way to it.
func (w *work) idle(ctx actor.Context, m *workv1.UnitIdle) {
	e, ok := w.units[m.GetUnitId()]
	if ok {
		w.freeSlot(ctx, e)
		if e.ended.IsZero() {
			w.ages.look()
			e.ended = time.Now()
		}
	}
	if ok && e.pid != nil && !e.stopping && e.sent == m.GetHandled() && e.pid.Equal(ctx.Sender()) {
		e.stopping = true
		ctx.Stop(e.pid)
	}
}

func (w *work) removed(ctx actor.Context, m *workv1.UnitRemoved) {
	if e, ok := w.units[m.GetUnitId()]; ok && e.pid != nil {
		e.stopping = true
		w.forget(e)
		w.freeSlot(ctx, e)
		ctx.Poison(e.pid) // commands before it are answered: the unit is unknown
	}
}

// terminated frees the unit for the commands that came meanwhile.
func (w *work) terminated(ctx actor.Context, m *actor.Terminated) {
	e, ok := w.actors[m.Who.Id]
	if !ok {
		return
	}
	delete(w.actors, m.Who.Id)
	e.pid, e.stopping = nil, false
	waiting := e.waiting
	e.waiting = nil
	for _, command := range waiting {
		w.tell(ctx, e, command)
	}
}

// watchNode gives a node its watcher, once.
func (w *work) watchNode(ctx actor.Context, m *workv1.WatchNode) {
	key := farKey{m.GetNode(), m.GetTlsClient()}
	name := "watch:" + key.node
	if key.tls != "" {
		name += ":" + key.tls
	}
	spec := supervise.Spec{Name: name, Kind: "watch", New: newWatcher(w.family, w.far.find(key)), Backoff: monitorBackoff, Transient: true}
	if _, err := w.Spawn(ctx, spec); err != nil {
		panic(err) // two watchers for one node
	}
}

// respond answers if anybody wants an answer.
func respond(ctx actor.Context, m any) {
	if ctx.Sender() != nil {
		ctx.Respond(m)
	}
}

// unexpected logs a message that no case of a table names.
func unexpected(ctx actor.Context, log zerolog.Logger) {
	switch ctx.Message().(type) {
	case actor.SystemMessage, actor.AutoReceiveMessage:
	default:
		log.Error().Str("actor", ctx.Self().GetId()).Type("message", ctx.Message()).Msg("unexpected message")
	}
}
