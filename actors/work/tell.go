package work

import (
	"context"
	"errors"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	workv1 "receptor/proto/work/v1"
)

// noteLimit bounds the wait for a unit that is being restarted.
const noteLimit = 10 * time.Second

// errStale ends a session whose unit wants something else now.
var errStale = errors.New("the unit has another task now")

// tell is the only place where a session meets the mailbox of its unit. The unit
// answers when it has written the fact down, so a session is never ahead.
type tell struct {
	root *actor.RootContext
	unit *actor.PID
	task uint64
}

// noted reports a fact and waits until it is written down.
func (t tell) noted(ctx context.Context, m *workv1.Report) error {
	m.Task = t.task
	answer := make(chan error, 1)
	future := t.root.RequestFuture(t.unit, m, noteLimit)
	go func() {
		res, err := future.Result()
		if noted, ok := res.(*workv1.Noted); ok && err == nil && noted.GetStale() {
			err = errStale
		}
		answer <- err
	}()
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// send reports a fact that nothing has to wait for.
func (t tell) send(m *workv1.Report) {
	m.Task = t.task
	t.root.Send(t.unit, m)
}

func unreachable(err error, fatal bool) *workv1.Report {
	return &workv1.Report{Fact: &workv1.Report_Unreachable{
		Unreachable: &workv1.Unreachable{Text: err.Error(), Fatal: fatal},
	}}
}

func remoteCreated(id string) *workv1.Report {
	return &workv1.Report{Fact: &workv1.Report_RemoteCreated{RemoteCreated: &workv1.RemoteCreated{RemoteUnitId: id}}}
}

func remoteStarted() *workv1.Report {
	return &workv1.Report{Fact: &workv1.Report_RemoteStarted{RemoteStarted: &workv1.RemoteStarted{}}}
}

func remoteRefused(text string) *workv1.Report {
	return &workv1.Report{Fact: &workv1.Report_RemoteRefused{RemoteRefused: &workv1.RemoteRefused{Text: text}}}
}

func remoteGone() *workv1.Report {
	return &workv1.Report{Fact: &workv1.Report_RemoteGone{RemoteGone: &workv1.RemoteGone{}}}
}

func remoteState(s *workv1.RemoteState) *workv1.Report {
	return &workv1.Report{Fact: &workv1.Report_RemoteState{RemoteState: s}}
}

func outputCopied(size, announced int64) *workv1.Report {
	return &workv1.Report{Fact: &workv1.Report_OutputCopied{
		OutputCopied: &workv1.OutputCopied{Size: size, Announced: announced},
	}}
}

func outputFailed(err error) *workv1.Report {
	return &workv1.Report{Fact: &workv1.Report_OutputFailed{OutputFailed: &workv1.OutputFailed{Text: err.Error()}}}
}

func remoteEnded(end workv1.End, text string) *workv1.Report {
	return &workv1.Report{Fact: &workv1.Report_RemoteEnded{RemoteEnded: &workv1.RemoteEnded{End: end, Error: text}}}
}
