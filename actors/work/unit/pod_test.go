package unit

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func podAt(stage PodStage) PodReached { return PodReached{Stage: stage, Namespace: "ns", Name: "p-1"} }

// script runs events through a machine and returns what it did at each.
func script[M interface{ Step(Event) (M, []Action) }](u M, events ...Event) (M, string) {
	var all []string
	for _, e := range events {
		var actions []Action
		u, actions = u.Step(e)
		all = append(all, fmt.Sprint(actions))
	}
	return u, strings.Join(all, " ")
}

func TestPodTransitions(t *testing.T) {
	fresh := NewPod("k", KubeData{Image: "i"})
	given, _ := script(fresh, PayloadEnded{})
	named, _ := script(given, podAt(PodWanted))
	running, _ := script(named, podAt(PodCreated), podAt(PodInput), podAt(PodRunning))
	succeeded, _ := script(running, PodEnded{State: Succeeded, Detail: DetailFinished})
	canceled, _ := script(running, CancelAsked{})
	for name, c := range map[string]struct {
		from   Pod
		events []Event
		does   string
		state  State
		detail string
		pod    string
		task   PodTask
	}{
		"payload":               {fresh, []Event{PayloadEnded{}}, "[save launch]", Pending, DetailStarting, "", RunPod},
		"broken payload":        {fresh, []Event{PayloadEnded{Error: "cut"}}, "[save answer-start(Error reading input data: cut)]", Failed, "Error reading input data: cut", "", NoPod},
		"second payload":        {running, []Event{PayloadEnded{}}, "[answer-start(work unit is already started)]", Running, DetailPodRunning, "p-1", RunPod},
		"late payload":          {succeeded, []Event{PayloadEnded{}}, "[answer-start(work unit ended before it was started)]", Succeeded, DetailFinished, "p-1", NoPod},
		"named":                 {given, []Event{podAt(PodWanted)}, "[save]", Pending, DetailConnecting, "p-1", RunPod},
		"runs":                  {named, []Event{podAt(PodCreated), podAt(PodInput), podAt(PodRunning)}, "[save] [save] [save]", Running, DetailPodRunning, "p-1", RunPod},
		"never back":            {running, []Event{podAt(PodInput)}, "[]", Running, DetailPodRunning, "p-1", RunPod},
		"ends":                  {running, []Event{PodEnded{State: Succeeded, Detail: DetailFinished}}, "[save]", Succeeded, DetailFinished, "p-1", NoPod},
		"fails without pod":     {named, []Event{PodEnded{State: Failed, Detail: "quota", Gone: true}}, "[save]", Failed, "quota", "", NoPod},
		"second end":            {succeeded, []Event{PodEnded{State: Failed, Detail: "x"}}, "[]", Succeeded, DetailFinished, "p-1", NoPod},
		"trouble":               {running, []Event{Unreached{Error: "refused"}}, "[show]", Running, DetailPodRunning, "p-1", RunPod},
		"cancel before payload": {fresh, []Event{CancelAsked{}}, "[save disconnect answer-end]", Canceled, DetailCanceled, "", NoPod},
		"cancel":                {running, []Event{CancelAsked{}, PodDeleted{}}, "[save connect] [save answer-end]", Canceled, DetailCanceled, "", NoPod},
		"cancel, no cluster":    {running, []Event{CancelAsked{}, Unreached{Error: "x"}}, "[save connect] [answer-end(pending)]", Canceled, DetailCanceled, "p-1", DiscardPod},
		"cancel twice":          {canceled, []Event{CancelAsked{}, PodDeleted{}}, "[connect] [save answer-end]", Canceled, DetailCanceled, "", NoPod},
		"cancel of finished":    {succeeded, []Event{CancelAsked{}, PodDeleted{}}, "[connect] [save answer-end]", Succeeded, DetailFinished, "", NoPod},
		"finished, then cancel": {succeeded, []Event{CancelAsked{}, Unreached{Error: "x"}}, "[connect] [answer-end(pending)]", Succeeded, DetailFinished, "p-1", DiscardPod},
		"canceled meanwhile":    {canceled, []Event{podAt(PodRunning), PodEnded{State: Succeeded}}, "[] []", Canceled, DetailCanceled, "p-1", DiscardPod},
		"release":               {running, []Event{ReleaseAsked{}, PodDeleted{}}, "[mark-release save connect] [delete]", Canceled, DetailCanceled, "", NoPod},
		"release of finished":   {succeeded, []Event{ReleaseAsked{}, PodDeleted{}}, "[mark-release connect] [delete]", Succeeded, DetailFinished, "", NoPod},
		"finished, no cluster":  {succeeded, []Event{ReleaseAsked{}, Unreached{Error: "x"}}, "[mark-release connect] [answer-end(pending)]", Succeeded, DetailFinished, "p-1", DiscardPod},
		"release without pod":   {fresh, []Event{ReleaseAsked{}}, "[mark-release save disconnect delete]", Canceled, DetailCanceled, "", NoPod},
		"release, no cluster":   {running, []Event{ReleaseAsked{}, Unreached{Error: "x"}}, "[mark-release save connect] [answer-end(pending)]", Canceled, DetailCanceled, "p-1", DiscardPod},
		"forced, no cluster":    {running, []Event{ReleaseAsked{Force: true}, Unreached{Error: "x"}}, "[mark-release save connect] [disconnect delete]", Canceled, DetailCanceled, "p-1", DiscardPod},
	} {
		u, did := script(c.from, c.events...)
		if did != c.does || u.State != c.state || u.Detail != c.detail || u.Kube.PodName != c.pod || u.Task() != c.task {
			t.Errorf("%s: %s, %s %q, pod %q, task %d", name, did, u.State, u.Detail, u.Kube.PodName, u.Task())
		}
	}
}

func TestPodShowsItsTrouble(t *testing.T) {
	u, _ := script(NewPod("k", KubeData{}), PayloadEnded{}, podAt(PodRunning), Unreached{Error: "refused"})
	if got := u.Visible().Detail; got != "Pod Running (Kubernetes can't be reached: refused)" {
		t.Error(got)
	}
	u, _ = script(u, podAt(PodRunning))
	if got := u.Visible().Detail; got != "Pod Running" {
		t.Error(got)
	}
}

func TestPodsFoundAtStart(t *testing.T) {
	at := func(state State, detail, pod string) Record {
		return Record{State: state, Detail: detail, WorkType: "k", Kube: &KubeData{PodName: pod}}
	}
	known, strange := PodFound{Known: true}, PodFound{}
	released, forced := PodFound{Known: true, Released: true}, PodFound{Released: true, Forced: true}
	for name, c := range map[string]struct {
		record Record
		found  PodFound
		does   string
		stage  PodStage
		idle   bool
	}{
		"finished":        {at(Succeeded, DetailFinished, "p"), known, "[]", PodWanted, true},
		"canceled":        {at(Canceled, DetailCanceled, "p"), known, "[connect]", PodWanted, false},
		"canceled, done":  {at(Canceled, DetailCanceled, ""), known, "[]", PodWanted, true},
		"waiting":         {at(Pending, DetailWaiting, ""), known, "[save]", PodWanted, true},
		"starting":        {at(Pending, DetailStarting, ""), known, "[launch]", PodWanted, false},
		"connecting":      {at(Pending, DetailConnecting, "p"), known, "[connect]", PodWanted, false},
		"created":         {at(Pending, DetailPodCreated, "p"), known, "[connect]", PodCreated, false},
		"input":           {at(Pending, DetailPodInput, "p"), known, "[connect]", PodInput, false},
		"running":         {at(Running, DetailPodRunning, "p"), known, "[connect]", PodRunning, false},
		"unknown type":    {at(Running, DetailPodRunning, "p"), strange, "[]", PodRunning, false},
		"released":        {at(Canceled, DetailCanceled, "p"), released, "[mark-release connect]", PodWanted, false},
		"finished, then":  {at(Succeeded, DetailFinished, "p"), released, "[mark-release connect]", PodWanted, false},
		"only just":       {at(Running, DetailPodRunning, "p"), released, "[mark-release save connect]", PodRunning, false},
		"without a pod":   {at(Canceled, DetailCanceled, ""), released, "[mark-release disconnect delete]", PodWanted, true},
		"of unknown type": {at(Running, DetailPodRunning, "p"), forced, "[mark-release save connect]", PodRunning, false},
	} {
		u, actions := LoadPod(c.record, c.found)
		if got := fmt.Sprint(actions); got != c.does || u.Stage != c.stage || u.Idle() != c.idle {
			t.Errorf("%s: %s, stage %d, idle %t", name, got, u.Stage, u.Idle())
		}
		if u.Released != c.found.Released || u.Forced != c.found.Forced {
			t.Errorf("%s: released %t, forced %t", name, u.Released, u.Forced)
		}
	}
	u, _ := LoadPod(at(Canceled, DetailCanceled, "p"), forced)
	if _, did := script(u, Unreached{Error: "x"}); did != "[disconnect delete]" {
		t.Errorf("a forced release, after a restart: %s", did)
	}
}

// The file is that of the existing system, and nobody is shown a secret.
func TestPodRecord(t *testing.T) {
	const text = `{"State":1,"Detail":"Pod Running","StdoutSize":6,"WorkType":"KubeA","ExtraData":{"Command":"cmd -x","Image":"img",` +
		`"KubeConfig":"token: TOK","KubeNamespace":"myns","KubePod":"SECRET","Params":"p1","PodName":"kubea-abcd1"}}`
	r, err := Decode([]byte(text))
	want := &KubeData{Image: "img", Command: "cmd -x", Params: "p1", KubeNamespace: "myns", KubeConfig: "token: TOK", KubePod: "SECRET", PodName: "kubea-abcd1"}
	if err != nil || !reflect.DeepEqual(r.Kube, want) {
		t.Fatalf("%+v, %v", r.Kube, err)
	}
	again, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if back, err := Decode(again); err != nil || !reflect.DeepEqual(back, r) {
		t.Errorf("%+v, %v", back, err)
	}
	shown, err := r.Shown()
	if err != nil || strings.Contains(shown, "TOK") || strings.Contains(shown, "SECRET") || !strings.Contains(shown, `"KubeConfig":"","KubePod":"","PodName":"kubea-abcd1"`) {
		t.Errorf("%s, %v", shown, err)
	}
}
