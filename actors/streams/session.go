package streams

import (
	"errors"

	"github.com/asynkron/protoactor-go/actor"

	"receptor/actors/supervise"
	streamsv1 "receptor/proto/streams/v1"
)

// session stands for one QUIC connection.
//
//	parent   streams, which never restarts it: whoever needs one dials again
//	owns     one pump: the connection and the goroutines that block on it
//	fails    when the connection is lost; its natural end is that of a failure
//	         that nobody is to blame for
//	restart  none
type session struct {
	pump *pump
	up   bool
}

// Receive implements actor.Actor.
func (s *session) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		s.start(ctx)
	case *actor.Stopping, *actor.Restarting:
		s.pump.stop()
	case *actor.Stopped:

	case *streamsv1.Connected:
		s.connected(ctx, m)
	case *streamsv1.Ended:
		s.ended(ctx, m)

	default:
		supervise.Unexpected(ctx)
	}
}

func (s *session) start(ctx actor.Context) {
	if !s.pump.start(sink{root: ctx.ActorSystem().Root, session: ctx.Self()}) {
		supervise.Fail(supervise.CauseDone, errStopped)
	}
}

func (s *session) connected(ctx actor.Context, m *streamsv1.Connected) {
	s.up = true
	ctx.Send(ctx.Parent(), &streamsv1.SessionOpened{Session: s.pump.id, Shared: m.GetShared()})
}

// ended tells those who wait for the dial, and ends this actor.
func (s *session) ended(ctx actor.Context, m *streamsv1.Ended) {
	if !s.up {
		ctx.Send(ctx.Parent(), &streamsv1.SessionFailed{
			Session: s.pump.id, Code: codeOf(m.GetEnd()), Text: m.GetText(),
		})
	}
	supervise.Fail(causeOf(m.GetEnd()), errors.New(m.GetText()))
}

func codeOf(end streamsv1.End) streamsv1.Code {
	switch end {
	case streamsv1.End_END_SERVICE_UNKNOWN:
		return streamsv1.Code_CODE_SERVICE_UNKNOWN
	case streamsv1.End_END_TIMED_OUT:
		return streamsv1.Code_CODE_TIMED_OUT
	default:
		return streamsv1.Code_CODE_FAILED
	}
}

func causeOf(end streamsv1.End) supervise.Cause {
	switch end {
	case streamsv1.End_END_CLOSED:
		return supervise.CauseDone
	case streamsv1.End_END_LOST:
		return supervise.CauseLost
	default:
		return supervise.CauseRefused
	}
}
