package supervise

import (
	"errors"
	"fmt"
	"time"
)

// Cause is why an actor failed, for deciding; the error beside it is for reading.
type Cause int

const (
	CauseUnknown  Cause = iota
	CauseLost           // the connection, socket or process it stands for is gone
	CauseRefused        // the other side could not be reached, or said no
	CauseProtocol       // the other side broke the protocol
	CauseIdle           // the other side fell silent
	CauseBind           // a listening socket could not be had
	CauseDone           // it came to its natural end, nobody is to blame
)

// String returns the name of the cause as it appears in logs.
func (c Cause) String() string {
	switch c {
	case CauseLost:
		return "lost"
	case CauseRefused:
		return "refused"
	case CauseProtocol:
		return "protocol"
	case CauseIdle:
		return "idle"
	case CauseBind:
		return "bind"
	case CauseDone:
		return "done"
	default:
		return "unknown"
	}
}

// Failure is the typed reason an actor panics with when what it stands for is
// gone. Any other panic means that an invariant broke, and is escalated.
type Failure struct {
	Cause Cause
	Err   error
	Again time.Time // when a restart makes sense; zero: nobody knows, and Backoff says
}

// Fail ends the calling actor's incarnation with a typed reason. Tidy up first.
func Fail(cause Cause, err error) {
	panic(&Failure{Cause: cause, Err: err})
}

// FailUntil is Fail of an actor that knows when it may do better.
func FailUntil(cause Cause, err error, again time.Time) {
	panic(&Failure{Cause: cause, Err: err, Again: again})
}

func (f *Failure) Error() string { return f.Err.Error() }

func (f *Failure) Unwrap() error { return f.Err }

// Lifetime says what a child's end means.
type Lifetime int

const (
	// Permanent children are restarted with backoff when they fail.
	Permanent Lifetime = iota
	// Temporary children are stopped when they fail; the failure stays in the record.
	Temporary
)

// Directive is what the supervisor does about a failure.
type Directive int

const (
	Restart Directive = iota
	Stop
	Escalate
)

// Decide is the decision table.
//
//	reason              permanent  temporary
//	*Failure, done      stop       stop
//	*Failure, others    restart    stop
//	anything else       escalate   escalate
func Decide(reason any, life Lifetime) Directive {
	var failure *Failure
	err, ok := reason.(error)
	switch {
	case !ok || !errors.As(err, &failure):
		return Escalate
	case failure.Cause == CauseDone || life == Temporary:
		return Stop
	default:
		return Restart
	}
}

// again is when a restart makes sense, if the reason says so.
func again(reason any) time.Time {
	var failure *Failure
	if err, ok := reason.(error); ok && errors.As(err, &failure) {
		return failure.Again
	}
	return time.Time{}
}

// reasonText is the text of a failure for records and logs.
func reasonText(reason any) string {
	if err, ok := reason.(error); ok {
		return err.Error()
	}
	return fmt.Sprint(reason)
}
