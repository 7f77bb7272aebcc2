package work

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"

	"github.com/asynkron/protoactor-go/actor"

	"receptor/actors/supervise"
	"receptor/actors/supervise/payload"
	"receptor/actors/work/process"
	"receptor/actors/work/runner"
	"receptor/actors/work/unit"
	workv1 "receptor/proto/work/v1"
)

func newLocalUnit(cfg unitConfig) func() actor.Actor {
	return func() actor.Actor { return &localUnit{unitBase: newUnitBase(cfg)} }
}

// localUnit is a unit whose command runs on this node.
//
//	parent   work
//	owns     the watch over its runner; not the runner, which survives it
//	fails    when its record can't be written
//	restart  reads the record, and finds its runner again
type localUnit struct {
	unitBase
	machine unit.Local
	watched *watched
	runner  *process.Handle  // nil while no runner is watched
	who     process.Identity // of the watched runner
	watch   uint64           // counts runners, to tell old news
	ending  sync.WaitGroup   // the goroutine that waits for the runner
	waits   bool             // for a slot
}

func (u *localUnit) Receive(ctx actor.Context) {
	if u.refuseGone(ctx) {
		return
	}
	switch m := ctx.Message().(type) {
	case *actor.Started:
		u.start(ctx)
	case *actor.Stopping, *actor.Restarting:
		u.stop()

	case *workv1.Create:
		*u.handled++
		u.machine = unit.NewLocal(m.GetWorkType(), m.GetParams())
		u.create(ctx, u.machine.Record, m.GetKey())
	case *workv1.Start, *workv1.Cancel, *workv1.Release:
		u.step(ctx, u.asked(ctx))

	case *workv1.SlotGranted:
		u.granted(ctx)
	case *workv1.StatusWritten:
		u.statusWritten(ctx)
	case *workv1.RunnerEnded:
		u.runnerEnded(ctx, m)
	case *workv1.RemovalDue:
		u.do(ctx, []unit.Action{{Do: unit.Delete}})

	default:
		unexpected(ctx, u.Log)
	}
}

func (u *localUnit) start(ctx actor.Context) {
	u.Log = supervise.Logger(ctx, u.Log)
	r, ok := u.load()
	if !ok {
		return // Create follows
	}
	_, known, err := u.processes(r)
	if err != nil {
		u.Log.Warn().Str("unit", u.id).Err(err).Msg("who runs the unit can't be read")
	}
	machine, actions := unit.LoadLocal(r, unit.Found{
		Known: known, Cancelled: u.dir.Cancelled(), Size: u.dir.OutputSize(),
	})
	u.machine = machine
	u.do(ctx, actions)
}

func (u *localUnit) stop() {
	u.stopTimers()
	u.notices.remove(u.dir)
	if u.runner != nil {
		u.runner.Close()
	}
	u.ending.Wait()
}

// step asks the machine and does what it says.
func (u *localUnit) step(ctx actor.Context, e unit.Event) {
	machine, actions := u.machine.Step(e)
	u.machine = machine
	u.do(ctx, actions)
}

func (u *localUnit) do(ctx actor.Context, actions []unit.Action) {
	for _, a := range actions {
		switch a.Do {
		case unit.Save:
			u.save(ctx, u.machine.Record)
		case unit.Show:
			u.show(u.machine.Record)
		case unit.Launch:
			u.wantSlot(ctx)
		case unit.Watch:
			u.watchFound(ctx)
		case unit.Interrupt:
			u.interrupt()
		default:
			u.act(ctx, a)
		}
	}
	if u.machine.Idle() && !u.gone {
		u.idle(ctx)
	}
}

// wantSlot launches at once if the type has no limit. Otherwise the client need not
// wait: the unit is accepted.
func (u *localUnit) wantSlot(ctx actor.Context) {
	q := u.terms().queues[u.machine.WorkType]
	if q == nil {
		u.launch(ctx)
		return
	}
	u.waits = true
	ctx.Send(ctx.Parent(), &workv1.SlotWanted{UnitId: u.id})
	u.feed.waitIn(q)
	u.answerStarts(ctx, "", false)
}

func (u *localUnit) granted(ctx actor.Context) {
	if !u.waits || u.machine.State.Final() || u.gone {
		return // it was canceled meanwhile; being idle frees the slot
	}
	u.waits = false
	u.launch(ctx)
}

// launch starts the runner. It waits for fork and exec, which is what the client
// is told about.
func (u *localUnit) launch(ctx actor.Context) {
	r := u.machine.Record
	t, ok := u.terms().types[r.WorkType]
	if !ok || r.Local == nil {
		u.step(ctx, unit.LaunchFailed{Error: "unknown work type " + r.WorkType})
		return
	}
	u.observe(ctx)
	job, err := t.job(u.dir, r.Local.Params)
	var child *runner.Child
	if err == nil {
		child, err = u.program.Start(u.dir, job)
	}
	if err != nil {
		u.notices.remove(u.dir)
		u.step(ctx, unit.LaunchFailed{Error: err.Error()})
		return
	}
	u.PayloadTrace.Log(u.Log, payload.FromStdin, u.id, u.dir.Stdin())
	u.runner = child.Handle
	u.wait(ctx, child.Handle, child.Identity, child.Reap)
	u.step(ctx, unit.Launched{Pid: child.Identity.Pid})
}

// observe makes changes of status and output known.
func (u *localUnit) observe(ctx actor.Context) {
	w, err := u.notices.add(u.dir, ctx.Self(), u.feed)
	if err != nil {
		// Only the end is seen then, and all output at once.
		u.Log.Warn().Str("unit", u.id).Err(err).Msg("unit's directory can't be watched")
	}
	u.watched = w
}

// wait reports the end of a runner, once nothing of it is left.
func (u *localUnit) wait(ctx actor.Context, h *process.Handle, id process.Identity, reap func() error) {
	u.watch++
	u.who = id
	over := runnerOver{
		root: ctx.ActorSystem().Root, unit: ctx.Self(), news: &workv1.RunnerEnded{Watch: u.watch},
		log: u.Log, id: id, dir: u.dir, reap: reap,
	}
	u.ending.Go(func() {
		if h == nil || h.Wait() == nil {
			over.report()
		}
	})
}

// watchFound watches the runner that an earlier daemon started. One that is dead
// has ended at once.
func (u *localUnit) watchFound(ctx actor.Context) {
	id, _, err := u.processes(u.machine.Record)
	var h *process.Handle
	if err == nil {
		h, err = process.Open(id)
	}
	if err != nil && !errors.Is(err, process.ErrGone) {
		u.Log.Warn().Str("unit", u.id).Err(err).Msg("runner can't be watched")
	}
	u.observe(ctx)
	u.runner = h
	reap := func() error { return nil }
	if h != nil {
		reap = func() error { return process.Reap(id.Pid) } // it may be a child of an earlier incarnation
	}
	u.wait(ctx, h, id, reap)
}

// processes says who runs the unit. Runners of the existing system leave only
// their number; theirs is the process that names this directory.
func (u *localUnit) processes(r unit.Record) (process.Identity, bool, error) {
	p, known, err := runner.ReadProcesses(u.dir)
	if known || err != nil {
		return p.Runner, known, err
	}
	if r.Local == nil || r.Local.Pid <= 0 {
		return process.Identity{}, false, nil
	}
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", r.Local.Pid))
	if err != nil || !strings.Contains(string(line), "unitdir="+u.dir.Path()) {
		return process.Identity{}, false, nil //nolint:nilerr // no such process, no runner
	}
	id, err := process.Of(r.Local.Pid)
	return id, err == nil, nil
}

// interrupt writes down that cancel was asked for, and tells the runner.
func (u *localUnit) interrupt() {
	if err := u.dir.MarkCancelled(); err != nil {
		u.Log.Warn().Str("unit", u.id).Err(err).Msg("cancel can't be written down")
	}
	if u.runner == nil {
		return
	}
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGCONT} { // it may have been stopped
		if err := u.runner.Signal(sig); err != nil && !errors.Is(err, process.ErrGone) {
			u.Log.Error().Str("unit", u.id).Err(err).Msg("runner can't be signalled")
		}
	}
}

func (u *localUnit) statusWritten(ctx actor.Context) {
	if u.watched != nil {
		u.watched.pending.Store(false)
	}
	if !u.machine.Live || u.machine.State.Final() {
		return
	}
	r, err := u.dir.Read()
	if err != nil {
		u.Log.Warn().Str("unit", u.id).Err(err).Msg("status can't be read")
		return
	}
	u.step(ctx, unit.Reported{Record: r})
}

func (u *localUnit) runnerEnded(ctx actor.Context, m *workv1.RunnerEnded) {
	if m.GetWatch() != u.watch {
		return
	}
	u.notices.remove(u.dir)
	if u.runner != nil {
		u.runner.Close()
		u.runner = nil
	}
	r, err := u.dir.Read()
	if err != nil {
		u.Log.Warn().Str("unit", u.id).Err(err).Msg("status can't be read")
	}
	if !r.State.Final() && u.followOther(ctx) {
		return
	}
	u.step(ctx, unit.RunnerGone{Record: r, Size: u.dir.OutputSize(), Left: int(m.GetLeft())})
}

// followOther watches the runner that had the unit before ours: one that an
// earlier daemon started in its last moment.
func (u *localUnit) followOther(ctx actor.Context) bool {
	p, known, err := runner.ReadProcesses(u.dir)
	if err != nil || !known || p.Runner == u.who {
		return false
	}
	u.watchFound(ctx)
	if u.machine.Cancelled {
		u.interrupt()
	}
	return true
}
