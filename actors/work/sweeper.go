package work

import (
	"context"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	corev1 "k8s.io/api/core/v1"

	"receptor/actors/supervise"
	"receptor/actors/work/kube"
	"receptor/actors/work/pod"
	"receptor/actors/work/unit"
	workv1 "receptor/proto/work/v1"
)

// sweepEvery is how often a cluster is looked through for what is left of units.
const sweepEvery = 5 * time.Minute

// startSweeper looks after the pods of all units, if any type of work has them.
func (w *work) startSweeper(ctx actor.Context) {
	if len(w.terms().Kube) == 0 || w.sweeps {
		return
	}
	w.sweeps = true
	spec := supervise.Spec{Name: "sweeper", Kind: "sweeper", New: newSweeper(w.family), Backoff: monitorBackoff}
	if _, err := w.Spawn(ctx, spec); err != nil {
		panic(err) // two sweepers
	}
}

func newSweeper(f *family) func() actor.Actor {
	return func() actor.Actor { return &sweeper{family: f} }
}

// sweeper deletes pods of this node whose units are gone, or were canceled while the
// cluster could not be reached.
//
//	parent   work
//	owns     the goroutine that looks through the clusters
//	fails    never: a cluster that can't be reached is looked at again later
//	restart  looks at once
type sweeper struct {
	*family
	cancel context.CancelFunc
	work   sync.WaitGroup
	timer  *time.Timer
	sweeps int
	last   time.Time // when the last one began
}

func (s *sweeper) Receive(ctx actor.Context) {
	switch ctx.Message().(type) {
	case *actor.Started:
		s.sweep(ctx)
	case *actor.Stopping, *actor.Restarting:
		s.stop()

	case *workv1.SweepDue:
		s.sweep(ctx)

	default:
		unexpected(ctx, s.Log)
	}
}

func (s *sweeper) stop() {
	if s.timer != nil {
		s.timer.Stop()
	}
	s.cancel()
	s.work.Wait()
}

// sweep has the next one follow some time after its end.
func (s *sweeper) sweep(ctx actor.Context) {
	if s.cancel != nil {
		s.cancel()
		s.work.Wait() // it has ended: it asked for this one
	}
	s.sweeps, s.last = s.sweeps+1, time.Now()
	background, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	root, self := ctx.ActorSystem().Root, ctx.Self()
	s.timer = time.AfterFunc(sweepEvery, func() { root.Send(self, &workv1.SweepDue{}) })
	s.work.Go(func() {
		for _, p := range s.places() {
			if err := s.look(background, p); err != nil && background.Err() == nil {
				s.Log.Warn().Str("worktype", p.workType).Err(err).Msg("pods of units that are gone can't be looked for")
			}
		}
	})
}

// place is a namespace of a cluster that has pods of this node.
type place struct {
	access    kube.Access
	namespace string
	workType  string
}

// places are those of the configuration. Where a request for work said where its pod
// goes, nobody knows any more when its unit is gone.
func (s *sweeper) places() []place {
	var all []place
	for _, k := range s.terms().Kube {
		if k.Auth == AuthRuntime {
			continue
		}
		p := place{access: k.access(""), namespace: k.Namespace, workType: k.Type}
		if k.ConfigFile != "" {
			text, err := os.ReadFile(k.ConfigFile)
			if err != nil {
				s.Log.Warn().Str("worktype", k.Type).Err(err).Msg("kubeconfig can't be read")
				continue
			}
			p.access = k.access(string(text))
		}
		if !slices.ContainsFunc(all, func(o place) bool { return o.access == p.access && o.namespace == p.namespace }) {
			all = append(all, p)
		}
	}
	return all
}

func (s *sweeper) look(ctx context.Context, p place) error {
	client, free, err := s.terms().clusters.Get(p.access)
	if err != nil {
		return err
	}
	defer free()
	namespace, err := client.NamespaceFor(p.namespace)
	if err != nil {
		return err
	}
	return client.Each(ctx, namespace, pod.LabelNode+"="+pod.LabelValue(s.NodeID), func(found *corev1.Pod) error {
		id := found.Labels[pod.LabelUnit]
		if found.Annotations[pod.LabelNode] != s.NodeID || id == "" || found.DeletionTimestamp != nil || s.wanted(id) {
			return nil
		}
		s.Log.Info().Str("unit", id).Str("pod", found.Name).Msg("pod of a unit that is gone is deleted")
		if err := client.Delete(ctx, namespace, found.Name); err != nil && !kube.Gone(err) {
			return err
		}
		return nil
	})
}

// wanted reports whether a unit may have a pod.
func (s *sweeper) wanted(id string) bool {
	if !unit.ValidID(id) {
		return true // not ours
	}
	if s.Feeds.status(id) == nil {
		return s.store.Has(id) // about to be published, or about to be deleted
	}
	return s.Feeds.state(id) != workv1.State_STATE_CANCELED
}
