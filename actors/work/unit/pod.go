package unit

// Pod is a unit that a pod in a Kubernetes cluster does. Its session speaks to the
// cluster and reports; whatever has to be remembered is in the record.
//
//	waiting ──PayloadEnded──> starting ──PodReached──> Connecting ──> Pod created ──> Sending stdin ──> Running
//	   └──────────────────────────┴────────────────────────┴───────CancelAsked, PodEnded────────────────> final
type Pod struct {
	Record
	Stage    PodStage
	Trouble  string // why the cluster can't be reached now; empty if it can
	Released bool   // to be deleted as soon as the pod is,
	Forced   bool   // or as soon as the cluster can't be reached
	discards bool   // somebody wants the pod deleted
}

// PodStage is how far a pod is.
type PodStage int

const (
	PodWanted PodStage = iota // it may exist if it has a name
	PodCreated
	PodInput   // its payload is on the way
	PodRunning // it has its payload
)

var podDetails = [...]string{DetailConnecting, DetailPodCreated, DetailPodInput, DetailPodRunning}

// NewPod is a unit that waits for its payload.
func NewPod(workType string, data KubeData) Pod {
	return Pod{Record: Record{Detail: DetailWaiting, WorkType: workType, Kube: &data}}
}

// PodFound is what is known of a unit at start-up besides its record.
type PodFound struct {
	Known            bool // its type of work is configured
	Released, Forced bool // it was to be released, when the daemon ended
}

// LoadPod is a unit found at start-up. One whose type is not configured any more is
// left as it is.
func LoadPod(r Record, found PodFound) (Pod, []Action) {
	u := Pod{Record: r.clone(), Stage: stageOf(r)}
	switch {
	case found.Released:
		return u.release(ReleaseAsked{Force: found.Forced})
	case r.State.Final():
		if u.Task() == DiscardPod {
			return u, do(Connect)
		}
		return u, nil
	case !found.Known:
		return u, nil
	case r.State == Pending && Awaits(r.Detail):
		return u.end(Failed, DetailAtRestart, do(Save))
	case r.Detail == DetailStarting:
		return u, do(Launch)
	default:
		return u, do(Connect)
	}
}

func stageOf(r Record) PodStage {
	if r.State == Running {
		return PodRunning
	}
	for stage, detail := range podDetails {
		if r.Detail == detail {
			return PodStage(stage)
		}
	}
	return PodWanted
}

// PodTask is what the session has to do now.
type PodTask int

const (
	NoPod PodTask = iota
	RunPod
	DiscardPod
)

// Task derives the session's task. The pod of a unit that has ended by itself stays
// until somebody cancels or releases the unit: people look at it.
func (u Pod) Task() PodTask {
	switch {
	case !u.State.Final():
		return RunPod
	case u.Kube.PodName != "" && (u.discards || u.State == Canceled):
		return DiscardPod
	default:
		return NoPod
	}
}

// Idle reports whether nothing is left to do for the unit until somebody asks.
func (u Pod) Idle() bool { return u.State.Final() && u.Task() == NoPod }

// given reports whether the unit has its payload.
func (u Pod) given() bool { return u.State != Pending || !Awaits(u.Detail) }

// Step is the table of transitions.
func (u Pod) Step(e Event) (Pod, []Action) {
	u.Record = u.clone()
	switch e := e.(type) {
	case PayloadEnded:
		return u.payloadEnded(e)
	case LaunchFailed:
		text := prefixStart + e.Error
		return u.end(Failed, text, append(do(Save), answer(AnswerStart, text)))
	case PodReached:
		return u.reached(e)
	case PodEnded:
		return u.ended(e)
	case PodDeleted:
		return u.deleted()
	case Unreached:
		return u.unreached(e)
	case CancelAsked:
		return u.cancel()
	case ReleaseAsked:
		return u.release(e)
	default:
		return u, nil
	}
}

func (u Pod) payloadEnded(e PayloadEnded) (Pod, []Action) {
	switch {
	case u.State.Final():
		return u, []Action{answer(AnswerStart, textEndedBefore)}
	case u.given():
		return u, []Action{answer(AnswerStart, textAlreadyStarted)}
	case e.Error != "":
		text := prefixInput + e.Error
		return u.end(Failed, text, append(do(Save), answer(AnswerStart, text)))
	default:
		u.Detail = DetailStarting
		return u, do(Save, Launch)
	}
}

// reached takes a step forward; the pod never goes back.
func (u Pod) reached(e PodReached) (Pod, []Action) {
	if u.State.Final() || e.Stage < u.Stage {
		return u, nil
	}
	u.Stage, u.Detail, u.Trouble = e.Stage, podDetails[e.Stage], ""
	u.Kube.KubeNamespace, u.Kube.PodName = e.Namespace, e.Name
	if e.Stage == PodRunning {
		u.State = Running
	}
	return u, do(Save)
}

func (u Pod) ended(e PodEnded) (Pod, []Action) {
	if u.State.Final() {
		return u, nil
	}
	if e.Gone {
		u.Kube.PodName = ""
	}
	return u.end(e.State, e.Detail, do(Save))
}

func (u Pod) deleted() (Pod, []Action) {
	u.Kube.PodName, u.discards, u.Trouble = "", false, ""
	if u.Released {
		return u, do(Delete)
	}
	return u, append(do(Save), answer(AnswerEnd, ""))
}

// unreached is not the end of anything: the session tries again.
func (u Pod) unreached(e Unreached) (Pod, []Action) {
	u.Trouble = e.Error
	switch {
	case u.Forced:
		return u, do(Disconnect, Delete)
	case u.State.Final():
		return u, []Action{pending(AnswerEnd)}
	default:
		return u, do(Show)
	}
}

// cancel of a unit that has ended deletes its pod; the state stays.
func (u Pod) cancel() (Pod, []Action) {
	var actions []Action
	if !u.State.Final() {
		u, actions = u.end(Canceled, DetailCanceled, do(Save))
	}
	if u.Kube.PodName == "" {
		return u, append(actions, Action{Do: Disconnect}, answer(AnswerEnd, ""))
	}
	u.discards = true
	return u, append(actions, do(Connect)...)
}

// release is written down before anything else: the cluster may be away for longer
// than the daemon lives.
func (u Pod) release(e ReleaseAsked) (Pod, []Action) {
	u.Released, u.Forced = true, u.Forced || e.Force
	actions := do(MarkRelease)
	if !u.State.Final() {
		u, actions = u.end(Canceled, DetailCanceled, do(MarkRelease, Save))
	}
	if u.Kube.PodName == "" {
		return u, append(actions, do(Disconnect, Delete)...)
	}
	u.discards = true
	return u, append(actions, do(Connect)...)
}

// end keeps the size of the output, which the unit's actor knows.
func (u Pod) end(s State, detail string, actions []Action) (Pod, []Action) {
	u.State, u.Detail, u.Trouble = s, detail, ""
	return u, actions
}

// Visible is the record with what keeps the unit waiting.
func (u Pod) Visible() Record {
	r := u.Record
	if u.Trouble != "" && !r.State.Final() {
		r.Detail += " (Kubernetes can't be reached: " + u.Trouble + ")"
	}
	return r
}
