package links

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	linksv1 "receptor/proto/links/v1"
)

// sink is the only place where a link's goroutines and timers meet its mailbox.
type sink struct {
	root        *actor.RootContext // never actor.Context: it belongs to Receive
	link        *actor.PID
	incarnation uint64
}

var _ reports = sink{}

func (s sink) Opened(remote string, maxFrame int) {
	s.root.Send(s.link, &linksv1.ConnOpened{
		Incarnation: s.incarnation, Remote: remote, MaxFrame: uint32(maxFrame),
	})
}

func (s sink) Control(msg []byte) {
	s.root.Send(s.link, &linksv1.FrameReceived{Incarnation: s.incarnation, Frame: msg})
}

func (s sink) Unknown(kind byte) {
	s.root.Send(s.link, &linksv1.UnknownTypeReceived{Incarnation: s.incarnation, Type: uint32(kind)})
}

func (s sink) TooLong(size int) {
	s.root.Send(s.link, &linksv1.FrameRefused{Incarnation: s.incarnation, Size: uint32(size)})
}

func (s sink) Lost(dialled bool, err error) {
	cause := linksv1.Cause_CAUSE_DIAL
	if dialled {
		cause = linksv1.Cause_CAUSE_LOST
	}
	s.root.Send(s.link, &linksv1.ConnLost{Incarnation: s.incarnation, Cause: cause, Text: err.Error()})
}

func (s sink) Proved(dead bool) {
	s.root.Send(s.link, &linksv1.Proved{Incarnation: s.incarnation, Dead: dead})
}

// after sends a tick when d has passed.
func (s sink) after(d time.Duration, timer linksv1.Timer) *time.Timer {
	tick := &linksv1.Tick{Incarnation: s.incarnation, Timer: timer}
	return time.AfterFunc(d, func() { s.root.Send(s.link, tick) })
}
