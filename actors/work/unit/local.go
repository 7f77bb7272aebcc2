package unit

// Local is a unit whose command runs on this node. The runner writes the status
// file while it lives, the unit before and after.
//
//	waiting ──PayloadEnded──> starting ──Launched──> live ──Reported──> final
//	   │                         │                     └────RunnerGone──> final
//	   └──CancelAsked──> Canceled└──LaunchFailed──> Failed
type Local struct {
	Record
	Live      bool // a runner may be alive
	Cancelled bool // to be canceled as soon as the runner is gone
	Released  bool // to be deleted as soon as the runner is gone
}

// NewLocal is a unit that waits for its payload.
func NewLocal(workType, params string) Local {
	return Local{Record: Record{Detail: DetailWaiting, WorkType: workType, Local: &LocalData{Params: params}}}
}

// Found is what a restarted daemon finds of a local unit.
type Found struct {
	Known     bool // a runner has left its identity; it may be dead
	Cancelled bool // cancel was asked for
	Size      int64
}

// LoadLocal is a unit found at start-up.
//
//	state    runner   then
//	final    –        nothing
//	waiting  –        Failed: its client is gone
//	others   known    watched; if it is dead that ends at once
//	starting unknown  started: its payload is complete
//	others   unknown  Failed, or Canceled if that was asked for
//
// Units of types this node can't handle are left as they are.
func LoadLocal(r Record, found Found) (Local, []Action) {
	u := Local{Record: r.clone(), Cancelled: found.Cancelled}
	switch {
	case r.State.Final() || r.Other != nil:
		return u, nil
	case r.State == Pending && Awaits(r.Detail):
		return u.end(Failed, DetailAtRestart, 0, do(Save))
	case found.Known:
		u.Live = true
		actions := do(Watch, Show)
		if u.Cancelled {
			actions = append(actions, do(Interrupt)...)
		}
		return u, actions
	case r.Detail == DetailStarting && !u.Cancelled:
		return u, do(Launch)
	default:
		return u.runnerGone(RunnerGone{Record: r, Size: found.Size})
	}
}

// Step is the table of transitions.
func (u Local) Step(e Event) (Local, []Action) {
	u.Record = u.clone()
	switch e := e.(type) {
	case PayloadEnded:
		return u.payloadEnded(e)
	case Launched:
		u.Live = true
		u.Detail = DetailLaunching
		if u.Local != nil {
			u.Local.Pid = e.Pid
		}
		return u, append(do(Show), answer(AnswerStart, ""))
	case LaunchFailed:
		text := prefixRunner + e.Error
		return u.end(Failed, text, 0, append(do(Save), answer(AnswerStart, text)))
	case Reported:
		return u.reported(e.Record)
	case RunnerGone:
		return u.runnerGone(e)
	case CancelAsked:
		return u.cancel()
	case ReleaseAsked:
		return u.release()
	default:
		return u, nil
	}
}

func (u Local) payloadEnded(e PayloadEnded) (Local, []Action) {
	switch {
	case u.State.Final():
		return u, []Action{answer(AnswerStart, textEndedBefore)}
	case u.State != Pending || u.Live || !Awaits(u.Detail):
		return u, []Action{answer(AnswerStart, textAlreadyStarted)}
	case e.Error != "":
		text := prefixInput + e.Error
		return u.end(Failed, text, 0, append(do(Save), answer(AnswerStart, text)))
	default:
		u.Detail = DetailStarting
		return u, do(Save, Launch)
	}
}

func (u Local) reported(r Record) (Local, []Action) {
	if !CanMove(u.State, r.State) || r.State == Pending || u.Cancelled && Stopped(r) {
		return u, nil // nobody is canceled before the runner is gone, and all it left
	}
	u.Record = u.take(r)
	return u, do(Show)
}

// take is what the unit believes of the record a runner wrote. A runner of the
// existing system calls a canceled command killed.
func (u Local) take(r Record) Record {
	r = r.clone()
	if u.Cancelled && Stopped(r) {
		r.State, r.Detail = Canceled, DetailCanceled
	}
	return r
}

// Stopped reports whether a runner says that it was told to stop.
func Stopped(r Record) bool { return r.State == Failed && r.Detail == DetailKilled }

func (u Local) runnerGone(e RunnerGone) (Local, []Action) {
	u.Live = false
	var actions []Action
	switch {
	case u.State.Final():
	case e.Left > 0:
		u, actions = u.end(Failed, NotStopped(e.Left), e.Size, do(Save))
	case e.Record.State.Final():
		u.Record = u.take(e.Record)
		u.Local = nil
		actions = do(Save)
	case u.Cancelled:
		u, actions = u.end(Canceled, DetailCanceled, e.Size, do(Save))
	default:
		u, actions = u.end(Failed, DetailRunnerLost, e.Size, do(Save))
	}
	if u.Released {
		return u, append(actions, do(Delete)...)
	}
	return u, append(actions, answer(AnswerEnd, ""))
}

func (u Local) cancel() (Local, []Action) {
	switch {
	case u.State.Final() || u.Other != nil:
		return u, []Action{answer(AnswerEnd, "")}
	case u.Live:
		u.Cancelled = true
		return u, do(Interrupt)
	default:
		return u.end(Canceled, DetailCanceled, 0, append(do(Save), answer(AnswerEnd, "")))
	}
}

// release stops what runs and deletes. An end that is already on disk does not
// stop the runner: it is about to leave by itself.
func (u Local) release() (Local, []Action) {
	u.Released = true
	switch {
	case u.Live && !u.State.Final():
		u.Cancelled = true
		return u, do(Interrupt)
	case u.Live:
		return u, nil
	default:
		return u, do(Delete)
	}
}

func (u Local) end(s State, detail string, size int64, actions []Action) (Local, []Action) {
	u.State, u.Detail, u.StdoutSize, u.Local = s, detail, size, nil
	return u, actions
}

// Idle reports whether nothing is left to do for the unit until somebody asks.
func (u Local) Idle() bool { return u.Other != nil || u.State.Final() && !u.Live }
