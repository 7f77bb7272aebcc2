package pod

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func waitingFor(reason, message string) *corev1.Pod {
	return &corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: []corev1.ContainerStatus{{
		Name: Worker, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}},
	}}}}
}

func endedWith(code int32, reason, message string) *corev1.Pod {
	return &corev1.Pod{Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{
		Name: Worker, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason, Message: message}},
	}}}}
}

func TestStates(t *testing.T) {
	ready := &corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}}
	unready := &corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodRunning}}
	unschedulable := &corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{
		Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: "no nodes",
	}}}}
	evicted := &corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodFailed, Reason: "Evicted", Message: "disk"}}
	deleted := endedWith(137, "Error", "")
	deleted.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)}
	for name, c := range map[string]struct {
		pod  *corev1.Pod
		want State
	}{
		"new":           {&corev1.Pod{}, State{}},
		"ready":         {ready, State{Ready: true}},
		"not ready yet": {unready, State{}},
		"unschedulable": {unschedulable, State{Reason: "pod can't be scheduled: no nodes"}},
		"succeeded":     {endedWith(0, "Completed", ""), State{Ended: true}},
		"failed":        {endedWith(3, "Error", "one\n\ntwo\nthree\nfour\n"), State{Ended: true, Exit: 3, Reason: "container failed with exit code 3: two; three; four"}},
		"out of memory": {endedWith(137, "OOMKilled", ""), State{Ended: true, Exit: 137, Reason: "container failed with exit code 137 (OOMKilled)"}},
		"deleted":       {deleted, State{Ended: true, Exit: 137, Reason: "container failed with exit code 137, pod is being deleted"}},
		"evicted":       {evicted, State{Failed: true, Reason: "pod failed to start: Evicted: disk"}},
		"no result":     {&corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodSucceeded}}, State{Failed: true, Reason: "pod ended without a result of its worker"}},
		"bad name":      {waitingFor("InvalidImageName", "m"), State{Failed: true, Reason: "container failed to start, InvalidImageName: m"}},
		"config":        {waitingFor("CreateContainerConfigError", "m"), State{Reason: "container failed to start, CreateContainerConfigError: m"}},
		"creating":      {waitingFor("ContainerCreating", ""), State{}},
	} {
		if got := (&Observer{}).See(c.pod); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// An image is pulled again a few times; the same news twice are one.
func TestImageThatCannotBePulled(t *testing.T) {
	var o Observer
	for i := range maxBackOff {
		if s := o.See(waitingFor("ErrImagePull", "no such image")); s.Failed {
			t.Fatalf("gave up after %d", i)
		}
		for range 3 {
			s := o.See(waitingFor("ImagePullBackOff", "back-off"))
			if last := i == maxBackOff-1; s.Failed != last {
				t.Fatalf("round %d: %+v", i, s)
			}
		}
	}
}
