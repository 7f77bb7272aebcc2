package work

import (
	"context"
	"errors"
	"sync"

	"github.com/asynkron/protoactor-go/actor"

	"receptor/actors/supervise"
	"receptor/actors/work/sign"
	"receptor/actors/work/store"
	workv1 "receptor/proto/work/v1"
)

func newMonitor(cfg unitConfig, dir store.Dir) func() actor.Actor {
	var incarnations uint64
	return func() actor.Actor {
		incarnations++ // the library makes one at a time
		return &monitor{unitConfig: cfg, dir: dir, incarnation: incarnations}
	}
}

// monitor does a remote unit's task on the other node.
//
//	parent   the unit, which restarts it with backoff
//	owns     the goroutines and streams of one session with the other node
//	fails    when the node can't be reached, or the session breaks
//	restart  asks for the task again, and resumes at the length of the output file
type monitor struct {
	unitConfig
	dir         store.Dir
	incarnation uint64
	cancel      context.CancelFunc
	work        sync.WaitGroup
}

func (m *monitor) Receive(ctx actor.Context) {
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		ctx.Request(ctx.Parent(), &workv1.GetTask{})
	case *actor.Stopping, *actor.Restarting:
		m.stop()

	case *workv1.Task:
		m.start(ctx, msg)
	case *workv1.SessionEnded:
		m.ended(ctx, msg)

	default:
		unexpected(ctx, m.Log)
	}
}

func (m *monitor) start(ctx actor.Context, task *workv1.Task) {
	if m.cancel != nil {
		return // the answer to an earlier incarnation's question came late
	}
	background, cancel := context.WithCancel(context.Background())
	m.cancel = cancel
	root, self := ctx.ActorSystem().Root, ctx.Self()
	t := tell{root: root, unit: ctx.Parent(), task: task.GetNumber()}
	var s interface{ run(context.Context) error } = &session{
		tell: t, dial: m.Dial, dir: m.dir, feeds: m.Feeds, far: m.far, signer: func() *sign.Signer { return m.terms().signer }, id: m.id, task: task,
	}
	if task.GetPod() != nil {
		s = newPodSession(m.unitConfig, m.dir, t, task)
	}
	m.work.Go(func() {
		end := &workv1.SessionEnded{Incarnation: m.incarnation, Done: true}
		if err := s.run(background); err != nil {
			end.Done, end.Text = false, err.Error()
		}
		root.Send(self, end)
	})
}

// stop ends the goroutines; no two incarnations write to the same file.
func (m *monitor) stop() {
	if m.cancel != nil {
		m.cancel()
	}
	m.work.Wait()
}

func (m *monitor) ended(ctx actor.Context, e *workv1.SessionEnded) {
	switch {
	case e.GetIncarnation() != m.incarnation:
	case e.GetDone():
		ctx.Stop(ctx.Self())
	default:
		m.stop()
		supervise.Fail(supervise.CauseLost, errors.New(e.GetText()))
	}
}
