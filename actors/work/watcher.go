package work

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"receptor/actors/supervise"
	"receptor/actors/work/peer"
	workv1 "receptor/proto/work/v1"
)

// idleCheck is how often a watch that nobody needs is looked for.
const idleCheck = 15 * time.Second

func newWatcher(f *family, node *farNode) func() actor.Actor {
	var incarnations uint64
	return func() actor.Actor {
		incarnations++ // the library makes one at a time
		return &nodeWatcher{family: f, node: node, incarnation: incarnations}
	}
}

// nodeWatcher holds the one stream on which another node of ours pushes the states
// of all units that run there for us.
//
//	parent   work, which restarts it with backoff
//	owns     the stream and the goroutines that read and write it
//	fails    when the stream is lost, or silent, while units are followed
//	restart  connects anew and asks for all units again
type nodeWatcher struct {
	*family
	node        *farNode
	incarnation uint64
	cancel      context.CancelFunc
	work        sync.WaitGroup
}

func (w *nodeWatcher) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		w.start(ctx)
	case *actor.Stopping, *actor.Restarting:
		w.stop()

	case *workv1.SessionEnded:
		if m.GetIncarnation() == w.incarnation {
			w.stop()
			supervise.Fail(supervise.CauseLost, errors.New(m.GetText()))
		}

	default:
		unexpected(ctx, w.Log)
	}
}

func (w *nodeWatcher) start(ctx actor.Context) {
	background, cancel := context.WithCancel(context.Background())
	w.cancel = cancel
	root, self := ctx.ActorSystem().Root, ctx.Self()
	w.work.Go(func() {
		if err := w.run(background); err != nil && background.Err() == nil {
			root.Send(self, &workv1.SessionEnded{Incarnation: w.incarnation, Text: err.Error()})
		}
	})
}

func (w *nodeWatcher) stop() {
	w.cancel()
	w.work.Wait()
}

// run keeps a stream whenever units are followed.
func (w *nodeWatcher) run(ctx context.Context) error {
	for {
		w.node.sayAll()
		if _, followed := w.node.unsaid(); followed {
			if err := w.watch(ctx); err != nil {
				return err
			}
			continue
		}
		select {
		case <-w.node.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// watch is the life of one stream. It ends without an error when nobody needs it.
func (w *nodeWatcher) watch(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	far, features, err := peer.Ask(ctx, w.Dial, w.node.key.node, w.node.key.tls)
	if err != nil {
		return err
	}
	defer far.Close()
	if !features.Has(peer.FeatureWatch) {
		w.node.isOld()
		return nil
	}
	if err := far.Watch(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	w.work.Go(func() { ended <- w.read(far) })
	w.node.sayAll()
	return w.write(ctx, far, ended)
}

func (w *nodeWatcher) read(far *peer.Session) error {
	for {
		change, err := far.Next()
		if err != nil {
			return err
		}
		w.node.deliver(change)
	}
}

func (w *nodeWatcher) write(ctx context.Context, far *peer.Session, ended <-chan error) error {
	tick := time.NewTicker(idleCheck)
	defer tick.Stop()
	needed := true
	for {
		select {
		case <-w.node.wake:
			lines, followed := w.node.unsaid()
			needed = needed || followed
			if len(lines) == 0 {
				continue
			}
			if err := far.Want(lines); err != nil {
				return err
			}
		case <-tick.C:
			lines, followed := w.node.unsaid()
			if !followed && !needed {
				return nil
			}
			needed = followed
			if err := far.Want(lines); err != nil {
				return err
			}
		case err := <-ended:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
