package unit

import (
	"fmt"
	"strings"
)

// Remote is a unit that runs on another node. Its monitor speaks to that node
// and reports; whatever has to be remembered is in the record.
//
//	waiting ──PayloadEnded──> starting ──Accepted, Started──> follows ──OutputCopied──> final
//	   └───────────────────────┴──Refused, Expired, canceled──> Failed      └──Gone──> Failed
type Remote struct {
	Record
	Report    *RemoteReported // a final state whose output is not here yet
	cancelled bool            // the remote node knows of the cancel
	forced    bool            // delete, whatever the remote node says
}

// NewRemote is a unit that waits for its payload.
func NewRemote(data RemoteData) Remote {
	return Remote{Record: Record{Detail: DetailWaiting, WorkType: TypeRemote, Remote: &data}}
}

// LoadRemote is a unit found at start-up. A forced release that had not come to its end
// is taken up again.
func LoadRemote(r Record, forced bool) (Remote, []Action) {
	u := Remote{Record: r.clone()}
	switch {
	case forced:
		return u.release(ReleaseAsked{Force: true})
	case u.Remote.LocalReleased && u.Remote.RemoteUnitID == "":
		return u, do(Delete)
	case u.Task() == Nothing:
		return u, nil
	case u.State.Final() || u.Remote.RemoteStarted:
		return u, do(Connect)
	case u.Remote.LocalCancelled:
		return u.fail(DetailLocalCancel, 0)
	case Awaits(u.Detail):
		return u.fail(DetailAtRestart, 0)
	default:
		return u, do(Connect)
	}
}

// Task is what the monitor has to do now.
type Task int

const (
	Nothing Task = iota
	Submit       // bring the unit there, then follow it
	Follow       // follow state and output
	Cancel       // cancel, then follow
	Discard      // release the remote unit
)

// Task derives the monitor's task from the record. A unit that failed before its
// start must not leave a remote twin behind.
func (u Remote) Task() Task {
	switch {
	case u.Remote.RemoteUnitID != "" && (u.Remote.LocalReleased || u.State.Final() && !u.Remote.RemoteStarted):
		return Discard
	case u.State.Final():
		return Nothing
	case !u.Remote.RemoteStarted:
		return Submit
	case u.Remote.LocalCancelled && !u.cancelled:
		return Cancel
	default:
		return Follow
	}
}

// Idle reports whether nothing is left to do for the unit until somebody asks.
func (u Remote) Idle() bool { return u.State.Final() && u.Task() == Nothing }

// Step is the table of transitions.
func (u Remote) Step(e Event) (Remote, []Action) {
	u.Record = u.clone()
	switch e := e.(type) {
	case PayloadEnded:
		return u.payloadEnded(e)
	case Unreached:
		return u.unreached(e)
	case Accepted:
		return u.accepted(e)
	case Started:
		u.Remote.RemoteStarted = true
		return u, append(do(Save), answer(AnswerStart, ""))
	case Refused:
		return u.fail(prefixStart+e.Error, 0)
	case RemoteReported:
		return u.reported(e)
	case OutputCopied:
		return u.outputCopied(e)
	case OutputFailed:
		return u.fail(prefixOutput+e.Error, e.Size)
	case Gone:
		return u.gone(e)
	case EndAnswered:
		return u.endAnswered(e)
	case CancelAsked:
		return u.cancel()
	case ReleaseAsked:
		return u.release(e)
	case Expired:
		return u.expired(e)
	default:
		return u, nil
	}
}

func (u Remote) payloadEnded(e PayloadEnded) (Remote, []Action) {
	switch {
	case u.State.Final():
		return u, []Action{answer(AnswerStart, textEndedBefore)}
	case !Awaits(u.Detail) || u.Remote.RemoteStarted:
		return u, []Action{answer(AnswerStart, textAlreadyStarted)}
	case e.Error != "":
		return u.fail(prefixInput+e.Error, 0)
	default:
		u.Detail = DetailStarting
		return u, do(Save, Connect)
	}
}

// unreached is not the end of anything, unless trying again can't help.
func (u Remote) unreached(e Unreached) (Remote, []Action) {
	text := e.Error
	if strings.Contains(text, "CRYPTO_ERROR") {
		text = prefixTLS + text
	}
	switch {
	case u.forced:
		return u, do(Disconnect, Delete)
	case e.Fatal && !u.State.Final() && !u.Remote.RemoteStarted:
		return u.fail(text, 0)
	case e.Fatal && !u.State.Final():
		u.Detail = text
		return u, append(do(Show), pending(AnswerEnd))
	default:
		return u, []Action{pending(AnswerStart), pending(AnswerEnd)}
	}
}

// accepted may come late, after the unit has ended here: then it has to be
// discarded there.
func (u Remote) accepted(e Accepted) (Remote, []Action) {
	u.Remote.RemoteUnitID = e.RemoteUnitID
	if u.State.Final() {
		return u, do(Save, Connect)
	}
	return u, do(Save)
}

// reported takes over what the remote node says. A final state is announced only
// when the output is here, too.
func (u Remote) reported(e RemoteReported) (Remote, []Action) {
	switch {
	case u.State.Final() || !CanMove(u.State, e.State):
		return u, nil
	case e.State.Final():
		u.Report = &e
		return u, nil
	}
	moved := u.State != e.State
	u.State, u.Detail, u.StdoutSize = e.State, e.Detail, e.Size
	if moved {
		return u, do(Save)
	}
	return u, do(Show)
}

func (u Remote) outputCopied(e OutputCopied) (Remote, []Action) {
	switch {
	case u.State.Final() || u.Report == nil:
		return u, nil
	case e.Size < e.Announced:
		return u.fail(fmt.Sprintf("output is incomplete: the remote node sent %d of %d bytes (%s)",
			e.Size, e.Announced, u.Report.Detail), e.Size)
	default:
		return u.end(u.Report.State, u.Report.Detail, e.Size)
	}
}

// gone keeps what is here: a final state, or one whose output is complete.
func (u Remote) gone(e Gone) (Remote, []Action) {
	switch {
	case u.Remote.LocalReleased:
		return u, do(Disconnect, Delete)
	case u.State.Final():
		u.Remote.RemoteUnitID = ""
		return u, append(do(Save, Disconnect), answer(AnswerEnd, ""))
	case u.Report != nil && e.Size >= u.Report.Size:
		return u.end(u.Report.State, u.Report.Detail, e.Size)
	default:
		return u.fail(DetailGone, e.Size)
	}
}

func (u Remote) cancel() (Remote, []Action) {
	if u.State.Final() {
		return u, []Action{answer(AnswerEnd, "")}
	}
	u.Remote.LocalCancelled = true
	if !u.Remote.RemoteStarted {
		return u.fail(DetailLocalCancel, 0)
	}
	u.cancelled = false
	return u, do(Save, Connect)
}

func (u Remote) release(e ReleaseAsked) (Remote, []Action) {
	u.Remote.LocalCancelled, u.Remote.LocalReleased = true, true
	u.forced = u.forced || e.Force
	if u.Remote.RemoteUnitID == "" {
		return u, append(do(Disconnect), answer(AnswerStart, textEndedBefore), Action{Do: Delete})
	}
	if u.forced { // the record has no place for it, and a daemon may end before the other node answers
		return u, do(MarkRelease, Save, Connect)
	}
	return u, do(Save, Connect)
}

func (u Remote) endAnswered(e EndAnswered) (Remote, []Action) {
	text := ""
	if e.Error != "" {
		text = prefixEnd + " " + e.Error
	}
	switch {
	case !e.Release && text == "":
		u.cancelled = true
		return u, []Action{answer(AnswerEnd, "")}
	case !e.Release:
		u.Remote.LocalCancelled = false
		u.note(text)
		return u, append(do(Save), answer(AnswerEnd, text))
	case u.Remote.LocalReleased && (text == "" || u.forced):
		return u, do(Disconnect, Delete)
	case u.Remote.LocalReleased:
		return u.releaseRefused(text)
	default: // the twin of a unit that never started is discarded, or can't be
		u.Remote.RemoteUnitID = ""
		return u, do(Save, Disconnect)
	}
}

// releaseRefused goes on as before: the unit stays.
func (u Remote) releaseRefused(text string) (Remote, []Action) {
	u.Remote.LocalReleased, u.Remote.LocalCancelled = false, false
	u.note(text)
	if !u.Remote.RemoteStarted {
		u.Remote.RemoteUnitID = ""
	}
	next := Disconnect
	if u.Task() != Nothing {
		next = Connect
	}
	return u, append(do(Save, next), answer(AnswerEnd, text))
}

// note shows what came of a cancel or release that nobody waits for any more.
func (u *Remote) note(text string) {
	if !u.State.Final() {
		u.Detail = text
	}
}

func (u Remote) expired(e Expired) (Remote, []Action) {
	if u.State.Final() || u.Remote.RemoteStarted {
		return u, nil
	}
	text := "Work unit expired on " + e.Now.Format(expiredLayout)
	if e.Attempts > 0 {
		text += fmt.Sprintf(": %d attempts, last error: %s", e.Attempts, e.Error)
	}
	return u.fail(text, 0)
}

func (u Remote) fail(detail string, size int64) (Remote, []Action) {
	if u.State.Final() {
		return u, nil
	}
	return u.end(Failed, detail, size)
}

// end saves a final state and answers everybody. The monitor has one more task
// if the unit must be discarded on the remote node.
func (u Remote) end(s State, detail string, size int64) (Remote, []Action) {
	u.State, u.Detail, u.StdoutSize = s, detail, size
	next := Disconnect
	if u.Task() != Nothing {
		next = Connect
	}
	actions := append(do(Save, next), answer(AnswerEnd, ""))
	if !u.Remote.RemoteStarted {
		actions = append(actions, answer(AnswerStart, strings.TrimPrefix(detail, prefixStart)))
	}
	return u, actions
}

// Given reports whether the unit of a record has got its payload. One that has not
// can be replaced.
func Given(r Record) bool {
	switch r.State {
	case Pending:
		return !Awaits(r.Detail)
	case Failed:
		return !strings.HasPrefix(r.Detail, prefixInput) && r.Detail != DetailAtRestart
	default:
		return true
	}
}

// Adoptable reports whether a remote unit whose start was not confirmed has been
// started all the same: its payload was complete.
func Adoptable(s State, detail string) bool {
	if s == Pending {
		return !Awaits(detail)
	}
	return s == Running || s == Succeeded || s == Failed && !strings.HasPrefix(detail, prefixInput)
}
