package work

import (
	"github.com/asynkron/protoactor-go/actor"

	"receptor/actors/work/unit"
	workv1 "receptor/proto/work/v1"
)

func newPodUnit(cfg unitConfig) func() actor.Actor {
	return func() actor.Actor { return &podUnit{monitored: newMonitored(cfg)} }
}

// podUnit is a unit that a pod in a Kubernetes cluster does.
//
//	parent   work
//	owns     its monitor, whose session speaks to the cluster; not the pod, which survives it
//	fails    when its record can't be written
//	restart  reads the record, and starts a monitor that goes on from there
type podUnit struct {
	monitored
	machine unit.Pod
	waits   bool // for a slot
}

func (u *podUnit) Receive(ctx actor.Context) {
	if u.Supervise(ctx) || u.refuseGone(ctx) {
		return
	}
	switch m := ctx.Message().(type) {
	case *actor.Started:
		u.start(ctx)
	case *actor.Stopping, *actor.Restarting:
		u.stopping = true
		u.stopTimers()
	case *actor.Terminated:
		u.terminated(ctx, m)

	case *workv1.Create:
		*u.handled++
		u.make(ctx, m)
	case *workv1.Start, *workv1.Cancel, *workv1.Release:
		u.step(ctx, u.asked(ctx))

	case *workv1.SlotGranted:
		u.granted(ctx)
	case *workv1.GetTask:
		u.giveTask(ctx)
	case *workv1.Report:
		u.report(ctx, m)
	case *workv1.RemovalDue:
		u.remove(ctx)

	default:
		unexpected(ctx, u.Log)
	}
}

func (u *podUnit) start(ctx actor.Context) {
	r, ok := u.load()
	if !ok {
		return // Create follows
	}
	if r.Kube == nil { // the record was taken away, and the unit has failed
		r.Kube = &unit.KubeData{}
		u.machine = unit.Pod{Record: r}
		u.do(ctx, nil)
		return
	}
	machine, actions := unit.LoadPod(r, u.podFound(u.dir, r))
	u.machine = machine
	u.do(ctx, actions)
}

func (u *podUnit) make(ctx actor.Context, m *workv1.Create) {
	p := m.GetPod()
	u.machine = unit.NewPod(m.GetWorkType(), unit.KubeData{
		Image: p.GetImage(), Command: p.GetCommand(), Params: p.GetParams(),
		KubeNamespace: p.GetNamespace(), KubeConfig: p.GetKubeConfig(), KubePod: p.GetKubePod(),
	})
	u.create(ctx, u.machine.Record, m.GetKey())
	if u.gone {
		return
	}
	if err := writePodFile(u.dir, podFile{PendingMS: p.GetPendingTimeoutMs()}, false); err != nil {
		u.Log.Warn().Str("unit", u.id).Err(err).Msg("limit for a pending pod can't be written down")
	}
}

// step asks the machine and does what it says.
func (u *podUnit) step(ctx actor.Context, e unit.Event) {
	machine, actions := u.machine.Step(e)
	u.machine = machine
	u.do(ctx, actions)
}

func (u *podUnit) do(ctx actor.Context, actions []unit.Action) {
	for _, a := range actions {
		switch a.Do {
		case unit.Save:
			if u.machine.State.Final() {
				u.machine.StdoutSize = u.dir.OutputSize()
			}
			u.save(ctx, u.machine.Record)
		case unit.Show:
			u.show(u.machine.Visible())
		case unit.Launch:
			u.wantSlot(ctx)
		case unit.MarkRelease:
			u.markRelease()
		default:
			u.act(ctx, a)
		}
	}
	if u.machine.Idle() && !u.gone && u.monitor == nil {
		u.idle(ctx)
	}
}

// wantSlot goes on at once if the type has no limit. The client need not wait for the
// cluster: the unit is accepted.
func (u *podUnit) wantSlot(ctx actor.Context) {
	u.answerStarts(ctx, "", false)
	q := u.terms().queues[u.machine.WorkType]
	if q == nil {
		u.connect(ctx)
		return
	}
	u.waits = true
	ctx.Send(ctx.Parent(), &workv1.SlotWanted{UnitId: u.id})
	u.feed.waitIn(q)
}

func (u *podUnit) granted(ctx actor.Context) {
	if !u.waits || u.machine.State.Final() || u.gone {
		return // it was canceled meanwhile; being idle frees the slot
	}
	u.waits = false
	u.connect(ctx)
}

func (u *podUnit) terminated(ctx actor.Context, m *actor.Terminated) {
	if u.ended(ctx, m.Who, u.machine.Task() != unit.NoPod) {
		u.do(ctx, nil)
	}
}

var podStages = map[unit.PodStage]workv1.PodStage{
	unit.PodWanted:  workv1.PodStage_POD_STAGE_UNSPECIFIED,
	unit.PodCreated: workv1.PodStage_POD_STAGE_CREATED,
	unit.PodInput:   workv1.PodStage_POD_STAGE_INPUT,
	unit.PodRunning: workv1.PodStage_POD_STAGE_RUNNING,
}

// giveTask tells a new incarnation of the monitor what is to be done now.
func (u *podUnit) giveTask(ctx actor.Context) {
	number := u.number(ctx.Sender())
	if number == 0 {
		return
	}
	data := u.machine.Kube
	ctx.Respond(&workv1.Task{Number: number, WorkType: u.machine.WorkType, Pod: &workv1.PodTask{
		Discard: u.machine.Task() != unit.RunPod,
		Image:   data.Image, Command: data.Command, Params: data.Params, Namespace: data.KubeNamespace,
		KubeConfig: data.KubeConfig, KubePod: data.KubePod, PodName: data.PodName, Stage: podStages[u.machine.Stage],
	}})
}

// report takes a fact from the session and notes it. A pod that is about to be made
// must not be forgotten: old news of that kind are refused, and it is not made.
func (u *podUnit) report(ctx actor.Context, m *workv1.Report) {
	stale := m.GetTask() != u.current
	if !stale {
		u.step(ctx, podEvent(m))
	}
	respond(ctx, &workv1.Noted{Stale: stale})
}

func podEvent(m *workv1.Report) unit.Event {
	switch f := m.GetFact().(type) {
	case *workv1.Report_PodReached:
		p := f.PodReached
		return unit.PodReached{Stage: unit.PodStage(p.GetStage()), Namespace: p.GetNamespace(), Name: p.GetPodName()}
	case *workv1.Report_PodEnded:
		p := f.PodEnded
		return unit.PodEnded{State: unit.State(p.GetState()), Detail: p.GetDetail(), Gone: p.GetPodGone()}
	case *workv1.Report_PodDeleted:
		return unit.PodDeleted{}
	case *workv1.Report_Unreachable:
		return unit.Unreached{Error: f.Unreachable.GetText(), Fatal: f.Unreachable.GetFatal()}
	default:
		return nil
	}
}

func podReached(stage unit.PodStage, namespace, name string) *workv1.Report {
	return &workv1.Report{Fact: &workv1.Report_PodReached{PodReached: &workv1.PodReached{
		Stage: podStages[stage], Namespace: namespace, PodName: name,
	}}}
}

func podDeleted() *workv1.Report {
	return &workv1.Report{Fact: &workv1.Report_PodDeleted{PodDeleted: &workv1.PodDeleted{}}}
}

func podEnded(e podEnd) *workv1.Report {
	return &workv1.Report{Fact: &workv1.Report_PodEnded{PodEnded: &workv1.PodEnded{
		State: workv1.State(e.state), Detail: e.detail, PodGone: e.gone,
	}}}
}
