package pod

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"receptor/actors/work/unit"
)

// State is what a pod's status means for its unit.
type State struct {
	Ready  bool  // the worker runs and takes its input
	Ended  bool  // the worker has run and ended
	Failed bool  // the worker never ran, and never will
	Exit   int32 // of the worker, if Ended
	// Why the worker failed, or what it waits for; empty if there is nothing to say.
	Reason string
}

// maxBackOff is how often an image that can't be pulled is seen before the unit
// fails: registries have bad moments.
const maxBackOff = 4

// Observer watches one pod become ready.
type Observer struct {
	backOffs int
	last     string // reason and message of the last pull that was seen
}

// See says what a new version of the pod means.
func (o *Observer) See(p *corev1.Pod) State {
	status, known := worker(p)
	switch {
	case known && status.State.Terminated != nil:
		return ended(p, status.State.Terminated)
	case p.Status.Phase == corev1.PodFailed:
		return State{Failed: true, Reason: sentence("pod failed to start", p.Status.Reason, p.Status.Message)}
	case p.Status.Phase == corev1.PodSucceeded:
		return State{Failed: true, Reason: "pod ended without a result of its worker"}
	case ready(p):
		return State{Ready: true}
	}
	return o.waiting(p)
}

func ended(p *corev1.Pod, t *corev1.ContainerStateTerminated) State {
	s := State{Ended: true, Exit: t.ExitCode}
	if t.ExitCode == 0 {
		return s
	}
	s.Reason = fmt.Sprintf("container failed with exit code %d", t.ExitCode)
	if t.Reason != "" && t.Reason != "Error" {
		s.Reason += " (" + t.Reason + ")"
	}
	if p.Status.Reason != "" {
		s.Reason += ", pod " + sentence(p.Status.Reason, p.Status.Message)
	}
	if p.DeletionTimestamp != nil {
		s.Reason += ", pod is being deleted"
	}
	if text := unit.LastLines(t.Message); text != "" {
		s.Reason += ": " + text
	}
	return s
}

// waiting looks for what will not get better by itself.
func (o *Observer) waiting(p *corev1.Pod) State {
	for _, c := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
		w := c.State.Waiting
		if w == nil {
			continue
		}
		why := sentence("container failed to start, "+w.Reason, w.Message)
		switch w.Reason {
		case "InvalidImageName", "ErrImageNeverPull":
			return State{Failed: true, Reason: why}
		case "ErrImagePull", "ImagePullBackOff":
			if seen := c.Name + w.Reason; seen != o.last {
				o.last = seen
				if w.Reason == "ImagePullBackOff" {
					o.backOffs++
				}
			}
			return State{Failed: o.backOffs >= maxBackOff, Reason: why}
		case "CreateContainerConfigError", "CreateContainerError", "RunContainerError", "CrashLoopBackOff":
			return State{Reason: why}
		}
	}
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return State{Reason: sentence("pod can't be scheduled", c.Message)}
		}
	}
	return State{}
}

func worker(p *corev1.Pod) (corev1.ContainerStatus, bool) {
	for _, c := range p.Status.ContainerStatuses {
		if c.Name == Worker {
			return c, true
		}
	}
	return corev1.ContainerStatus{}, false
}

func ready(p *corev1.Pod) bool {
	return slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// sentence joins what is there.
func sentence(parts ...string) string {
	parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
	return strings.Join(parts, ": ")
}
