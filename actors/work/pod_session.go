package work

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"

	"receptor/actors/supervise/payload"
	"receptor/actors/work/kube"
	"receptor/actors/work/pod"
	"receptor/actors/work/store"
	"receptor/actors/work/unit"
	workv1 "receptor/proto/work/v1"
)

const (
	createTries = 5
	deleteTries = 3
	refuseTries = 20 // of a cluster that says no to what it allowed before
	minPause    = 200 * time.Millisecond
	maxPause    = 15 * time.Second
)

// podEnd is how a unit ends.
type podEnd struct {
	state  unit.State
	detail string
	gone   bool // there is no pod any more
	stop   bool // the pod is of no more use, delete it
}

func (e *podEnd) Error() string { return e.detail }

// failed ends the unit; its pod, if there is one, is of no more use.
func failed(format string, args ...any) error {
	return &podEnd{state: unit.Failed, detail: fmt.Sprintf(format, args...), stop: true}
}

// podSession is one attempt to bring a unit's pod to its end, in goroutines of a
// monitor. It ends with nil when nothing is left to try, and with an error when
// trying again may help.
type podSession struct {
	unitConfig
	tell     tell
	dir      store.Dir
	kind     CommandType
	workType string
	task     *workv1.PodTask
	stage    unit.PodStage
	client   *kube.Client
	ns       string
	pod      string // its name
}

func newPodSession(cfg unitConfig, d store.Dir, t tell, task *workv1.Task) *podSession {
	return &podSession{
		unitConfig: cfg, dir: d, tell: t, kind: cfg.terms().types[task.GetWorkType()], task: task.GetPod(),
		workType: task.GetWorkType(),
		stage:    unit.PodStage(task.GetPod().GetStage()), ns: task.GetPod().GetNamespace(), pod: task.GetPod().GetPodName(),
	}
}

// run does the task and reports how that ended.
func (s *podSession) run(ctx context.Context) error {
	client, free, err := s.terms().clusters.Get(s.kind.kube.access(s.task.GetKubeConfig()))
	defer free()
	s.client = client
	if err == nil && s.pod != "" && s.ns == "" { // an existing system does not write it down
		s.ns, err = client.NamespaceFor("")
	}
	switch {
	case s.kind.kube == nil && !s.task.GetDiscard():
		err = failed("Error creating pod: unknown work type %s", s.workType)
	case err != nil && !s.task.GetDiscard():
		err = failed("Error creating pod: %v", err)
	case err != nil:
	case s.task.GetDiscard():
		err = s.discard(ctx)
	case s.kind.kube.TCP:
		err = s.overTCP(ctx)
	default:
		err = s.overLog(ctx)
	}
	var end *podEnd
	switch {
	case ctx.Err() != nil || errors.Is(err, errStale) || err == nil:
		return nil
	case errors.As(err, &end):
		return s.end(ctx, end)
	}
	s.tell.send(unreachable(err, false))
	return err
}

// end reports how the unit ends, when its pod is gone if that is wanted.
func (s *podSession) end(ctx context.Context, e *podEnd) error {
	if e.stop && !e.gone && s.pod != "" && s.client != nil {
		for try := range deleteTries {
			err := s.client.Delete(ctx, s.ns, s.pod)
			if e.gone = err == nil || kube.Gone(err); e.gone {
				break
			}
			s.Log.Warn().Str("unit", s.id).Err(err).Msg("pod can't be deleted")
			if err := sleep(ctx, minPause<<try); err != nil {
				return nil //nolint:nilerr // the unit wants something else
			}
		}
	}
	e.gone = e.gone || s.pod == ""
	if err := s.dir.SyncOutput(); err != nil && e.state == unit.Succeeded {
		e.state, e.detail = unit.Failed, "Error writing output: "+err.Error()
	}
	if err := s.tell.noted(ctx, podEnded(*e)); !errors.Is(err, errStale) && ctx.Err() == nil {
		return err
	}
	return nil
}

func (s *podSession) discard(ctx context.Context) error {
	if err := s.client.Delete(ctx, s.ns, s.pod); err != nil && !kube.Gone(err) {
		return fmt.Errorf("delete pod %s/%s: %w", s.ns, s.pod, err)
	}
	return s.tell.noted(ctx, podDeleted())
}

// reach reports how far the pod is, and waits until that is written down.
func (s *podSession) reach(ctx context.Context, stage unit.PodStage) error {
	if err := s.tell.noted(ctx, podReached(stage, s.ns, s.pod)); err != nil {
		return err
	}
	s.stage = stage
	return nil
}

// create makes the pod, unless an earlier session has. Its name is written down
// first: whatever happens, no second one is made and none is forgotten.
func (s *podSession) create(ctx context.Context, env map[string]string) error {
	var size int64
	if info, err := os.Stat(s.dir.Stdin()); err == nil {
		size = info.Size()
	}
	made, base, err := pod.Build(pod.Want{
		WorkType: s.kind.Type, NodeID: s.NodeID, UnitID: s.id,
		Image: s.task.GetImage(), Command: s.task.GetCommand(), Params: s.task.GetParams(), Text: s.task.GetKubePod(),
		Namespace: s.ns, CheckInput: s.kind.kube.CheckInput && !s.kind.kube.TCP, InputSize: size, Env: env,
	})
	if err == nil && s.pod == "" {
		s.ns, err = s.client.NamespaceFor(made.Namespace)
	}
	if err == nil && s.pod == "" {
		s.pod, err = pod.Name(base, rand.Reader)
	}
	if err != nil {
		s.pod = ""
		return failed("Error creating pod: %v", err)
	}
	if err := s.reach(ctx, unit.PodWanted); err != nil {
		return err
	}
	made.Namespace, made.Name = s.ns, s.pod
	if err := s.post(ctx, made); err != nil {
		return err
	}
	return s.reach(ctx, unit.PodCreated)
}

// traceInput tells of the payload that the pod is about to get.
func (s *podSession) traceInput() {
	s.PayloadTrace.Log(s.Log, payload.FromKube, s.id, s.dir.Stdin())
}

// post asks for the pod until the cluster has understood. A request whose answer was
// lost is found out by the pod's name.
func (s *podSession) post(ctx context.Context, p *corev1.Pod) error {
	var err error
	for try := range createTries {
		_, err = s.client.Create(ctx, p)
		switch {
		case err == nil:
			return nil
		case kube.Exists(err):
			return s.adopt(ctx)
		case kube.Refused(err):
			return &podEnd{state: unit.Failed, detail: "Error creating pod: " + kube.Text(err), gone: true}
		}
		s.tell.send(unreachable(err, false))
		if err := sleep(ctx, minPause<<(2*try)); err != nil {
			return err
		}
	}
	return failed("Error creating pod: %v", err) // it may have been made all the same
}

// adopt takes over what an earlier attempt made.
func (s *podSession) adopt(ctx context.Context) error {
	p, err := s.client.Pod(ctx, s.ns, s.pod)
	if err != nil {
		return err
	}
	if p.Labels[pod.LabelUnit] == s.id && p.Labels[pod.LabelNode] == pod.LabelValue(s.NodeID) {
		return nil
	}
	return &podEnd{state: unit.Failed, detail: fmt.Sprintf("Error creating pod: pod %s/%s is there already, and belongs to somebody else", s.ns, s.pod), gone: true}
}

// awaitReady waits until the worker takes its input, or has ended.
func (s *podSession) awaitReady(ctx context.Context) (pod.State, error) {
	limit, err := podTimeout(s.dir)
	if err != nil {
		s.Log.Warn().Str("unit", s.id).Err(err).Msg("limit for a pending pod can't be read")
	}
	var observer pod.Observer
	var state pod.State
	err = s.follow(ctx, func(p *corev1.Pod) (bool, error) {
		if state = observer.See(p); state.Ready || state.Ended {
			return true, nil
		}
		if state.Failed {
			return true, failed("Error creating pod: %s", state.Reason)
		}
		return false, nil
	}, limit)
	if errors.Is(err, errPending) {
		detail := "Error creating pod: timed out waiting for the condition"
		if state.Reason != "" {
			detail += ", " + state.Reason
		}
		return state, failed("%s", detail)
	}
	return state, err
}

var errPending = errors.New("pod is not ready in time")

// follow shows each with every version of the pod, through all troubles of the
// cluster, until it has seen enough; or until limit, counted from the pod's creation.
func (s *podSession) follow(ctx context.Context, each func(*corev1.Pod) (bool, error), limit time.Duration) error {
	wait, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(time.Hour, func() { cancel(errPending) })
	timer.Stop()
	defer timer.Stop()
	seen, refusals := false, 0
	watch := func(p *corev1.Pod) (bool, error) {
		if refusals > 0 {
			s.tell.send(podReached(s.stage, s.ns, s.pod)) // the trouble is over
		}
		if !seen && limit > 0 {
			timer.Reset(time.Until(p.CreationTimestamp.Add(limit)))
		}
		seen, refusals = true, 0
		return each(p)
	}
	for {
		err := s.client.Follow(wait, s.ns, s.pod, watch)
		if err != nil && ctx.Err() == nil && errors.Is(context.Cause(wait), errPending) {
			return errPending
		}
		refusals++
		if err = s.lost(ctx, err, refusals); !errors.Is(err, errAgain) {
			return err
		}
		if err := sleep(wait, min(maxPause, minPause<<min(refusals, 8))); err != nil && ctx.Err() != nil {
			return err
		}
	}
}

var errAgain = errors.New("ask again")

// lost says what it means that a pod can't be followed: errAgain if that may pass.
func (s *podSession) lost(ctx context.Context, err error, times int) error {
	var end *podEnd
	switch {
	case err == nil || ctx.Err() != nil || errors.As(err, &end) || errors.Is(err, errStale):
		return err
	case kube.Gone(err):
		return &podEnd{
			state: unit.Failed, gone: true,
			detail: fmt.Sprintf("Error getting pod %s/%s. Error: %v; output may be incomplete", s.ns, s.pod, err),
		}
	case kube.Refused(err) && times >= refuseTries:
		return failed("Error getting pod %s/%s. Error: %v; output may be incomplete", s.ns, s.pod, err)
	}
	s.tell.send(unreachable(err, false))
	return errAgain
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
