package streams

import (
	"github.com/asynkron/protoactor-go/actor"

	streamsv1 "receptor/proto/streams/v1"
)

// sink is the only place where a session's goroutines meet its mailbox.
type sink struct {
	root    *actor.RootContext
	session *actor.PID
}

func (s sink) connected(shared bool) {
	s.root.Send(s.session, &streamsv1.Connected{Shared: shared})
}

func (s sink) ended(end streamsv1.End, err error) {
	text := reasonNormal
	if err != nil {
		text = err.Error()
	}
	s.root.Send(s.session, &streamsv1.Ended{End: end, Text: text})
}
